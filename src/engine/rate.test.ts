import { afterEach, describe, expect, it, vi } from 'vitest';
import { RateLimited } from './failure.js';
import type { Job } from './job.js';
import type { Rate } from './task.js';
import { Ghost } from './testing/ghost.js';
import { anyTask, gate, Harness } from './testing/harness.js';

let h: Harness;
afterEach(() => h.stop());

/** So long a poll that only the rate's own timer can be in time. */
const noPoll = { pollMs: 60_000, concurrency: 8 };

async function run(jobs: readonly { readonly id: string }[]): Promise<Job[]> {
  return Promise.all(jobs.map(({ id }) => h.until(id, 'succeeded')));
}

/** Whatever the window: no more starts than the burst and what the rate gives in that time. */
function expectWithin(jobs: readonly Job[], { count, periodMs }: Rate): void {
  const starts = jobs.map((job) => job.startedAt?.getTime() ?? Number.NaN).sort((a, b) => a - b);
  for (const [first, from] of starts.entries()) {
    for (let last = first; last < starts.length; last += 1) {
      const ms = (starts[last] as number) - from + 1;
      expect(last - first + 1).toBeLessThanOrEqual(count + (ms * count) / periodMs);
    }
  }
}

function countClaims(): () => number {
  const spy = vi.spyOn(h.db.database, 'query');
  return () => spy.mock.calls.filter(([text]) => text.includes('signalbox.claim(')).length;
}

function times(n: number): { input: number }[] {
  return Array.from({ length: n }, (_, input) => ({ input }));
}

describe('a rate', () => {
  it('is kept by several workers, which wake when it opens and do not ask in between', async () => {
    const rate = { count: 4, periodMs: 80 };
    const work = anyTask('work', async () => 1, { rate });
    h = await Harness.start([work]);
    await h.worker(noPoll);
    await h.worker(noPoll);
    const claims = countClaims();
    const asked = performance.now();
    const jobs = await run(await h.engine.enqueueMany(work, times(24)));
    expectWithin(jobs, rate);
    // Twenty of them had to wait for 20 ms each.
    expect(performance.now() - asked).toBeGreaterThan(380);
    expect(claims()).toBeLessThan(24 * 8);
  });

  it('opens for a worker with free slots while long jobs run', async () => {
    const go = gate();
    const begun = gate();
    let running = 0;
    const work = anyTask(
      'work',
      async () => {
        running += 1;
        if (running === 5) begun.open();
        await go.passed;
      },
      { rate: { count: 1, periodMs: 30 } },
    );
    h = await Harness.start([work]);
    await h.worker(noPoll);
    const jobs = await h.engine.enqueueMany(work, times(5));
    await begun.passed;
    go.open();
    expectWithin(await run(jobs), { count: 1, periodMs: 30 });
  });

  it('of a queue and of a task hold together', async () => {
    const work = anyTask('work', async () => 1, { rate: { count: 3, periodMs: 30 } });
    h = await Harness.start([work], undefined, { queues: { default: { rate: { count: 1, periodMs: 20 } } } });
    await h.worker(noPoll);
    const jobs = await run(await h.engine.enqueueMany(work, times(10)));
    expectWithin(jobs, { count: 1, periodMs: 20 });
  });

  it('that is changed at run time lets no second burst through, and is faster at once', async () => {
    const work = anyTask('work', async () => 1, { rate: { count: 5, periodMs: 3_600_000 } });
    h = await Harness.start([work]);
    const jobs = await h.engine.enqueueMany(work, times(12));
    const ghost = await Ghost.appear(h, 'work');
    expect(await ghost.claim(2)).toMatchObject({ taken: 2, opensInMs: null });
    for (const count of [6, 5, 7]) {
      await h.engine.gates.limit('task', 'work', { rate: { count, periodMs: 3_600_000 } });
    }
    const third = await ghost.claim(10);
    expect(third.taken).toBe(3);
    expect(third.opensInMs).toBeGreaterThan(400_000);
    expect(third.opensInMs).toBeLessThan(3_600_000 / 7 + 1);
    expect(await ghost.claim(10)).toMatchObject({ taken: 0, opensInMs: expect.any(Number) });
    await h.worker(noPoll);
    await h.engine.gates.limit('task', 'work', { rate: { count: 2, periodMs: 20 } });
    await h.until(jobs.at(-1)?.id as string, 'succeeded');
    await h.engine.gates.limit('task', 'work', { rate: null });
    expect(await h.engine.gates.list()).toMatchObject([{ kind: 'task', rate: null }]);
  });
});

describe('a handler whose upstream says 429', () => {
  it('closes the task for everybody for that long, and uses no attempt', async () => {
    let refused: number | undefined;
    const starts: number[] = [];
    const limited = gate();
    const work = anyTask(
      'work',
      async () => {
        starts.push(performance.now());
        if (refused !== undefined) return 1;
        refused = performance.now();
        limited.open();
        throw new RateLimited(300, 'the provider asked for patience');
      },
      { maxAttempts: 1 },
    );
    const other = anyTask('other', async () => 1);
    h = await Harness.start([work, other]);
    const first = await h.engine.enqueue(work, {});
    await h.worker({ ...noPoll, concurrency: 1 });
    await h.worker({ ...noPoll, concurrency: 1 });
    await limited.passed;
    await h.untilJob(first.id, (job) => job.reason === 'rate_limited');
    const claims = countClaims();
    const jobs = [first, ...(await h.engine.enqueueMany(work, times(6)))];
    // Another task is not held up.
    await run([await h.engine.enqueue(other, {})]);
    const [again] = await run(jobs);
    expect(again).toMatchObject({ attempt: 2, failures: 0 });
    for (const start of starts.slice(1)) expect(start - (refused ?? 0)).toBeGreaterThan(298);
    expect(starts).toHaveLength(8);
    expect(claims()).toBeLessThan(80);
  });

  it('does not shorten a longer closing, and waits for one that no timer can hold', async () => {
    const work = anyTask('work', async () => 1);
    h = await Harness.start([work]);
    const claims = countClaims();
    await h.worker(noPoll);
    await h.engine.gates.close('task', 'work', 40 * 86_400_000);
    await h.engine.gates.close('task', 'work', 1);
    const { id } = await h.engine.enqueue(work, {});
    for (let n = 0; n < 50; n += 1) await h.engine.jobs.get(id);
    expect((await h.engine.jobs.get(id)).status).toBe('queued');
    expect(claims()).toBeLessThan(10);
  });
});

describe('an idle worker', () => {
  it('claims when something happens, and not in between', async () => {
    const work = anyTask('work', async () => 1);
    h = await Harness.start([work]);
    await h.worker(noPoll);
    await run(await h.engine.enqueueMany(work, times(3)));
    const claims = countClaims();
    for (let n = 0; n < 100; n += 1) await h.db.database.query('select 1');
    expect(claims()).toBeLessThan(4);
  });
});
