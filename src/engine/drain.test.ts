import { afterEach, describe, expect, it } from 'vitest';
import { anyTask, gate, Harness } from './testing/harness.js';

let h: Harness;
afterEach(() => h.stop());

describe('a worker that stops', () => {
  it('lets its jobs finish and takes no more', async () => {
    const started = gate();
    const go = gate();
    const work = anyTask('work', async () => {
      started.open();
      await go.passed;
      return 'finished';
    });
    h = await Harness.start([work]);
    const worker = await h.worker({ concurrency: 1 });
    const first = await h.engine.enqueue(work, {});
    await started.passed;
    const stopping = worker.stop();
    const second = await h.engine.enqueue(work, {});
    go.open();
    await stopping;
    expect(await h.engine.jobs.get(first.id)).toMatchObject({ status: 'succeeded', result: 'finished' });
    expect(await h.engine.jobs.get(second.id)).toMatchObject({ status: 'queued', attempt: 0 });
    expect(await h.engine.workers()).toEqual([]);
  });

  it('gives back what does not finish in time, without using an attempt', async () => {
    const started = gate();
    const work = anyTask('work', async (_input, { job, signal }) => {
      if (job.attempt === 2) return 'second worker';
      started.open();
      return new Promise((_resolve, reject) => {
        signal.addEventListener('abort', () => reject(signal.reason), { once: true });
      });
    });
    h = await Harness.start([work]);
    const worker = await h.worker({ drainTimeoutMs: 20 });
    const { id } = await h.engine.enqueue(work, {}, { maxAttempts: 1 });
    await started.passed;
    await worker.stop();
    expect(await h.engine.jobs.get(id)).toMatchObject({ status: 'queued', reason: 'released', failures: 0 });
    await h.worker();
    expect(await h.until(id, 'succeeded')).toMatchObject({ attempt: 2, crashes: 0, result: 'second worker' });
  });

  it('may be stopped before it was started, and twice', async () => {
    h = await Harness.start([]);
    const worker = h.engine.createWorker({ queues: null, concurrency: 1, leaseMs: 1_000, drainTimeoutMs: 1 });
    await worker.stop();
    await worker.stop();
    await h.engine.stop();
    await h.engine.stop();
  });
});

describe('an engine that stops', () => {
  it('stops every part of it, also when the database refuses the goodbye', async () => {
    h = await Harness.start([]);
    const led = async () => (await h.db.database.query('select 1 from signalbox.leader')).rowCount === 1;
    while (!(await led())) await h.db.database.query('select pg_sleep(0.02)');
    await h.db.database.query('drop table signalbox.leader');
    await h.engine.stop();
    // Dropping the database at the end fails when a connection, the one for LISTEN say, was left open.
  });
});

describe('a database that goes away for a moment', () => {
  it('costs neither a job nor an outcome', async () => {
    const started = gate();
    const go = gate();
    const work = anyTask('work', async () => {
      started.open();
      await go.passed;
      return 'kept';
    });
    h = await Harness.start([work]);
    await h.worker();
    const first = await h.engine.enqueue(work, {});
    await started.passed;
    // Every connection of this database is cut: pool, LISTEN, all in mid flight.
    await h.db.database
      .query(`select pg_terminate_backend(pid) from pg_stat_activity where datname = current_database()`)
      .catch(() => undefined);
    go.open();
    expect(await h.until(first.id, 'succeeded')).toMatchObject({ result: 'kept', attempt: 1 });
    const second = await h.engine.enqueue(work, {});
    await h.until(second.id, 'succeeded');
  });
});
