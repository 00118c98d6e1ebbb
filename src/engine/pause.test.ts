import { afterEach, describe, expect, it } from 'vitest';
import { Ghost } from './testing/ghost.js';
import { anyTask, gate, Harness } from './testing/harness.js';

let h: Harness;
afterEach(() => h.stop());

const noPoll = { pollMs: 60_000, concurrency: 8 };

function times(n: number): { input: number }[] {
  return Array.from({ length: n }, (_, input) => ({ input }));
}

describe.each(['queue', 'task'] as const)('a paused %s', (kind) => {
  const name = kind === 'queue' ? 'default' : 'work';

  it('starts nothing after the pause, lets what runs end, and goes on when resumed', async () => {
    const go = gate();
    const begun = gate();
    let starts = 0;
    const work = anyTask('work', async () => {
      starts += 1;
      if (starts === 2) begun.open();
      await go.passed;
    });
    h = await Harness.start([work]);
    await h.worker({ ...noPoll, concurrency: 2 });
    const jobs = await h.engine.enqueueMany(work, times(6));
    await begun.passed;
    await h.engine.gates.pause(kind, name);
    await h.engine.gates.pause(kind, name);
    expect(await h.engine.gates.list()).toMatchObject([{ kind, name, pausedAt: expect.any(Date) }]);
    go.open();
    for (const { id } of jobs.slice(0, 2)) await h.until(id, 'succeeded');
    const late = await h.engine.enqueue(work, {});
    expect((await (await Ghost.appear(h, 'work')).claim(9)).taken).toBe(0);
    expect(starts).toBe(2);
    expect((await h.engine.jobs.get(late.id)).status).toBe('queued');
    await h.engine.gates.resume(kind, name);
    for (const { id } of [...jobs, late]) await h.until(id, 'succeeded');
  });

  it('does not begin what was claimed ahead of time', async () => {
    let paused = false;
    const broken: unknown[] = [];
    let starts = 0;
    const busy = gate();
    const work = anyTask('work', async (input) => {
      if (paused) broken.push(input);
      starts += 1;
      if (starts === 300) busy.open();
    });
    h = await Harness.start([work]);
    // Jobs so quick that the workers claim hundreds ahead.
    await h.worker({ ...noPoll, concurrency: 2 });
    await h.worker({ ...noPoll, concurrency: 2 });
    const jobs = await h.engine.enqueueMany(work, times(20_000));
    await busy.passed;
    await h.engine.gates.pause(kind, name);
    paused = true;
    const before = starts;
    for (let n = 0; n < 30; n += 1) await h.engine.jobs.counts();
    expect(broken).toEqual([]);
    expect(starts).toBe(before);
    expect(before).toBeLessThan(20_000);
    paused = false;
    await h.engine.gates.resume(kind, name);
    await h.until(jobs.at(-1)?.id as string, 'succeeded');
  });

  it('holds up no other', async () => {
    const work = anyTask('work', async () => 1);
    const free = anyTask('free', async () => 1, { queue: 'elsewhere' });
    h = await Harness.start([work, free]);
    await h.worker(noPoll);
    await h.engine.gates.pause(kind, name);
    await h.engine.enqueue(work, {});
    const { id } = await h.engine.enqueue(free, {});
    await h.until(id, 'succeeded');
  });
});
