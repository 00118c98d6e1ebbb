import { afterEach, describe, expect, it } from 'vitest';
import { Ghost } from '../testing/ghost.js';
import { anyTask, Harness } from '../testing/harness.js';
import type { EstimatedStart } from './explain.js';
import { hire } from './testing/remedies.js';

let h: Harness;
afterEach(() => h.stop());

const work = anyTask('work', async () => 'done');
const hourMs = 3_600_000;

async function estimate(id: string): Promise<EstimatedStart | null> {
  return (await h.engine.jobs.explain(id)).estimatedStart;
}

/** Attempts that ended a moment ago, each after so many milliseconds. */
async function history(count: number, ms: number): Promise<void> {
  const jobs = await h.engine.enqueueMany(
    work,
    Array.from({ length: count }, () => ({ input: {} })),
  );
  const worker = await h.worker({ concurrency: 20 });
  for (const { id } of jobs) await h.until(id, 'succeeded');
  await worker.stop();
  await h.db.database.query(
    `update signalbox.finished set started_at = finished_at - $1::float8 * interval '1 millisecond'`,
    [ms],
  );
}

function expectInMs(found: EstimatedStart | null, ms: number): void {
  const seconds = Math.abs((found?.at.getTime() ?? 0) - Date.now() - ms) / 1_000;
  expect(seconds, `${found?.at.toISOString()} is ${ms} ms from now`).toBeLessThan(20);
}

describe('the estimated start', () => {
  it('is not known where nothing was measured, or where somebody has to do something', async () => {
    h = await Harness.start([work]);
    const { id } = await h.engine.enqueue(work, {});
    expect(await estimate(id)).toBeNull();
    const ghost = await Ghost.appear(h, 'work');
    await ghost.claim(1);
    const next = await h.engine.enqueue(work, {});
    // All slots are busy, and no attempt has ended yet.
    expect(await estimate(next.id)).toBeNull();
    await h.engine.gates.pause('queue', 'default');
    const later = await h.engine.enqueue(work, {}, { runAt: new Date(Date.now() + hourMs) });
    expect(await estimate(later.id)).toBeNull();
    await h.engine.gates.resume('queue', 'default');
    const { runAt } = await h.engine.jobs.get(later.id);
    expect(await estimate(later.id)).toEqual({ at: runAt, basis: 'set_time', samples: null });
  });

  it('is now when a slot is free', async () => {
    h = await Harness.start([work]);
    await h.engine.stop();
    await hire(h.db.database, ['work'], { concurrency: 1 });
    const { id } = await h.engine.enqueue(work, {});
    const found = await estimate(id);
    expect(found).toMatchObject({ basis: 'free_slot', samples: null });
    expectInMs(found, 0);
  });

  it('follows from how long the last attempts took, and from what comes before it', async () => {
    h = await Harness.start([work]);
    await history(8, 100_000);
    const ghost = await Ghost.appear(h, 'work');
    const running = await h.engine.enqueue(work, {});
    await ghost.claim(1);
    const [first, second, third] = await h.engine.enqueueMany(work, [
      { input: {} },
      { input: {} },
      { input: {} },
    ]);
    expect((await h.engine.jobs.get(running.id)).status).toBe('processing');
    // One slot: each waits for the whole of those before it.
    for (const [job, turns] of [
      [first, 1],
      [second, 2],
      [third, 3],
    ] as const) {
      const found = await estimate(job?.id ?? '');
      expect(found).toMatchObject({ basis: 'durations', samples: 8 });
      expectInMs(found, turns * 100_000);
    }
  });

  it('is not made of a few attempts', async () => {
    h = await Harness.start([work]);
    await history(3, 100_000);
    const ghost = await Ghost.appear(h, 'work');
    await h.engine.enqueue(work, {});
    await ghost.claim(1);
    const { id } = await h.engine.enqueue(work, {});
    expect(await estimate(id)).toBeNull();
  });

  it('follows from a limit and from a rate', async () => {
    h = await Harness.start([work]);
    await history(6, 200_000);
    await hire(h.db.database, ['work'], { concurrency: 50 });
    const ghost = await Ghost.appear(h, 'work');
    await h.engine.gates.limit('queue', 'default', { maxRunning: 2 });
    await h.engine.enqueueMany(work, [{ input: {} }, { input: {} }]);
    await ghost.claim(2);
    const { id } = await h.engine.enqueue(work, {});
    expectInMs(await estimate(id), 100_000);
    await h.engine.gates.limit('queue', 'default', { maxRunning: null });
    const rate = { count: 1, periodMs: 600_000 };
    await h.engine.gates.limit('task', 'work', { rate });
    await ghost.claim(1);
    const [, behind] = await h.engine.enqueueMany(work, [{ input: {} }, { input: {} }]);
    const found = await estimate(behind?.id ?? '');
    expect(found).toMatchObject({ basis: 'rate', samples: null });
    expectInMs(found, 2 * 600_000);
  });

  it('is the latest of all that a job waits for', async () => {
    h = await Harness.start([work]);
    await history(6, 100_000);
    const ghost = await Ghost.appear(h, 'work');
    await h.engine.enqueue(work, {});
    await ghost.claim(1);
    const { id } = await h.engine.enqueue(work, {});
    expectInMs(await estimate(id), 100_000);
    await h.engine.gates.close('queue', 'default', hourMs);
    const found = await estimate(id);
    expect(found).toMatchObject({ basis: 'set_time' });
    expectInMs(found, hourMs);
  });
});
