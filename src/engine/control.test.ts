import { afterEach, describe, expect, it } from 'vitest';
import { newId } from '../foundation/ids.js';
import { anyTask, gate, Harness } from './testing/harness.js';
import { Meter } from './testing/meter.js';

let h: Harness;
afterEach(() => h.stop());

const noPoll = { pollMs: 60_000 };

/** A task that counts itself, tells when so many run, and ends when told. */
function held(expected: number) {
  const meter = new Meter();
  const go = gate();
  const reached = gate();
  const work = anyTask('work', async () =>
    meter.during(['all'], async () => {
      if (meter.inside('all') === expected) reached.open();
      await go.passed;
    }),
  );
  return { work, meter, go, reached };
}

function times(n: number): { input: number }[] {
  return Array.from({ length: n }, (_, input) => ({ input }));
}

async function rowOf(id: string | undefined) {
  return (await h.engine.workers()).find((worker) => worker.id === id);
}

describe('the number of jobs at once', () => {
  it('is raised in the process itself, and everybody can read it', async () => {
    const { work, go, reached } = held(5);
    h = await Harness.start([work]);
    const worker = await h.worker({ ...noPoll, concurrency: 1 });
    const jobs = await h.engine.enqueueMany(work, times(8));
    worker.concurrency = 5;
    await reached.passed;
    expect(worker.concurrency).toBe(5);
    while ((await rowOf(worker.id))?.concurrency !== 5) await h.engine.jobs.counts();
    go.open();
    for (const { id } of jobs) await h.until(id, 'succeeded');
    expect(() => (worker.concurrency = 0)).toThrow(TypeError);
    expect(worker.concurrency).toBe(5);
  });

  it('is raised and lowered by another process', async () => {
    const { work, meter, go, reached } = held(4);
    h = await Harness.start([work]);
    const worker = await h.worker({ ...noPoll, concurrency: 1 });
    const other = await h.another([]);
    await other.instructWorker(worker.id as string, { concurrency: 4 });
    const jobs = await h.engine.enqueueMany(work, times(10));
    await reached.passed;
    expect(meter.most('all')).toBe(4);
    await other.instructWorker(worker.id as string, { concurrency: 1 });
    go.open();
    for (const { id } of jobs) await h.until(id, 'succeeded');
    expect(worker.concurrency).toBe(1);
    expect(meter.most('all')).toBe(4);
  });

  it('outlives the lease', async () => {
    const { work } = held(1);
    h = await Harness.start([work]);
    const worker = await h.worker({ ...noPoll, concurrency: 1, leaseMs: 1_000 });
    const before = worker.id as string;
    worker.concurrency = 3;
    while ((await rowOf(before))?.concurrency !== 3) await h.engine.jobs.counts();
    await h.db.database.query(`update signalbox.worker set lease_expires_at = now() - interval '1 second'`);
    const next = async () => (await h.engine.workers()).find(({ id }) => id !== before);
    while ((await next()) === undefined) await h.engine.jobs.counts();
    expect(await next()).toMatchObject({ concurrency: 3, status: 'running' });
  });

  it('is refused when it is none, or nobody is there to be told', async () => {
    const { work } = held(1);
    h = await Harness.start([work]);
    const worker = await h.worker(noPoll);
    for (const concurrency of [0, -1, 1.5, Number.NaN, 1e12]) {
      await expect(h.engine.instructWorker(worker.id as string, { concurrency })).rejects.toMatchObject({
        code: 'limit_invalid',
      });
    }
    for (const id of [newId(), 'nonsense']) {
      await expect(h.engine.instructWorker(id, { drain: true })).rejects.toMatchObject({
        code: 'worker_not_found',
      });
    }
  });
});

describe('a worker that is drained', () => {
  it.each(['in its process', 'from another process'])(
    '%s takes no more and finishes what it has',
    async (how) => {
      const { work, meter, go, reached } = held(2);
      h = await Harness.start([work]);
      const worker = await h.worker({ ...noPoll, concurrency: 2 });
      const jobs = await h.engine.enqueueMany(work, times(2));
      await reached.passed;
      if (how === 'in its process') await worker.drain();
      else await (await h.another([])).instructWorker(worker.id as string, { drain: true });
      expect(await rowOf(worker.id)).toMatchObject({ status: 'draining', live: true, running: 2 });
      const late = await h.engine.enqueue(work, {});
      go.open();
      for (const { id } of jobs) await h.until(id, 'succeeded');
      expect((await h.engine.jobs.get(late.id)).status).toBe('queued');
      expect(meter.most('all')).toBe(2);
      await h.worker(noPoll);
      await h.until(late.id, 'succeeded');
    },
  );

  it('stays drained when its lease is lost', async () => {
    const { work } = held(1);
    h = await Harness.start([work]);
    const worker = await h.worker({ ...noPoll, leaseMs: 1_000 });
    await worker.drain();
    await h.db.database.query(`update signalbox.worker set lease_expires_at = now() - interval '1 second'`);
    const before = worker.id;
    while (worker.id === before || worker.id === undefined) await h.engine.jobs.counts();
    expect(await rowOf(worker.id)).toMatchObject({ status: 'draining' });
  });

  it('gives back what it claimed ahead of time, for others to take at once', async () => {
    let first = 0;
    const busy = gate();
    const work = anyTask('work', async () => {
      first += 1;
      if (first === 200) busy.open();
    });
    h = await Harness.start([work]);
    const worker = await h.worker({ ...noPoll, concurrency: 2 });
    const jobs = await h.engine.enqueueMany(work, times(3_000));
    await busy.passed;
    await worker.drain();
    const before = first;
    for (let n = 0; n < 20; n += 1) await h.engine.jobs.counts();
    expect(first - before).toBeLessThan(3);
    while ((await rowOf(worker.id))?.running !== 0) await h.engine.jobs.counts();
    await h.worker({ ...noPoll, concurrency: 4 });
    for (const { id } of jobs.slice(-5)) await h.until(id, 'succeeded');
  });
});

describe('slow jobs', () => {
  it('are claimed one by one as slots become free, never ahead', async () => {
    const { work, go, reached } = held(1);
    h = await Harness.start([work]);
    await h.worker({ ...noPoll, concurrency: 1 });
    const jobs = await h.engine.enqueueMany(work, times(5));
    await reached.passed;
    const other = await h.worker({ ...noPoll, concurrency: 3 });
    while (other.running < 3) await h.engine.jobs.counts();
    go.open();
    for (const { id } of jobs) expect((await h.until(id, 'succeeded')).attempt).toBe(1);
  });
});
