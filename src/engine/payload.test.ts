import { afterEach, describe, expect, it } from 'vitest';
import { PermanentError } from './failure.js';
import { anyTask, Harness } from './testing/harness.js';

let h: Harness;
afterEach(() => h.stop());

async function stored(): Promise<number> {
  return (await h.db.database.query('select 1 from signalbox.payload')).rowCount ?? 0;
}

/** An input with so many bytes of JSON. */
function ofBytes(bytes: number, letter = 'x'): string {
  return letter.repeat((bytes - 2) / Buffer.byteLength(letter));
}

describe('an input that is too large for its row', () => {
  it.each([
    ['of 4 KiB', ofBytes(4_096), 0],
    ['of a byte more', ofBytes(4_097), 1],
    ['that is large in bytes only', ofBytes(4_098, 'é'), 1],
    ['of 1 MiB', ofBytes(1_048_576), 1],
    ['of null', null, 0],
  ])('%s comes back whole', async (_name, input, payloads) => {
    const seen: unknown[] = [];
    const work = anyTask('work', async (given) => void seen.push(given));
    h = await Harness.start([work]);
    const accepted = await h.engine.enqueue(work, input);
    expect(accepted.input).toEqual(input);
    expect(await stored()).toBe(payloads);
    expect((await h.engine.jobs.get(accepted.id)).input).toEqual(input);
    await h.worker();
    const job = await h.until(accepted.id, 'succeeded');
    expect([job.input, ...seen]).toEqual([input, input]);
  });

  it('is refused beyond 1 MiB, and nothing is stored', async () => {
    const work = anyTask('work', async () => 1);
    h = await Harness.start([work]);
    await expect(h.engine.enqueue(work, ofBytes(1_048_577))).rejects.toMatchObject({ code: 'input_invalid' });
    expect(await stored()).toBe(0);
  });

  it('is there in lists, for a retry by a person, and in a limit', async () => {
    const input = { text: ofBytes(100_000) };
    const seen: unknown[] = [];
    const work = anyTask('work', async (given) => {
      seen.push(given);
      if (seen.length === 1) throw new PermanentError('once');
    });
    h = await Harness.start([work]);
    await h.worker();
    const { id } = await h.engine.enqueue(work, input, { concurrency: { key: 'k', limit: 1 } });
    await h.until(id, 'failed');
    expect((await h.engine.jobs.list({ limit: 1 }))[0]?.input).toEqual(input);
    await h.engine.jobs.retry(id);
    expect((await h.until(id, 'succeeded')).input).toEqual(input);
    expect(seen).toEqual([input, input]);
    expect((await h.engine.jobs.events(id)).map(({ type }) => type)).toEqual([
      'queued',
      'processing',
      'failed',
      'queued',
      'processing',
      'succeeded',
    ]);
  });

  it('travels beside small ones, many at once', async () => {
    const seen = new Map<number, number>();
    const work = anyTask('work', async (given) => {
      const { n, text } = given as { n: number; text: string };
      seen.set(n, text.length);
    });
    h = await Harness.start([work]);
    const sizes = Array.from({ length: 60 }, (_, n) => (n % 3 === 0 ? 50_000 : n));
    const items = sizes.map((size, n) => ({ input: { n, text: 'x'.repeat(size) } }));
    const jobs = await h.engine.enqueueMany(work, items);
    expect(await stored()).toBe(20);
    await h.worker({ concurrency: 20 });
    for (const { id } of jobs) await h.until(id, 'succeeded');
    expect([...seen].sort(([a], [b]) => a - b).map(([, size]) => size)).toEqual(sizes);
  });
});
