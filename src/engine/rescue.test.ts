import { afterEach, describe, expect, it } from 'vitest';
import { abortCauseOf } from '../foundation/abort.js';
import { newId } from '../foundation/ids.js';
import { silentLogger } from '../foundation/logger.js';
import { Leader } from './leader.js';
import { claimJobs } from './sql/claim.js';
import { rescueJobs } from './sql/rescue.js';
import { settle, succeedMany } from './sql/settle.js';
import { registerWorker } from './sql/workers.js';
import { anyTask, gate, Harness } from './testing/harness.js';

let h: Harness;
afterEach(() => h.stop());

const noop = anyTask('noop', async () => 'done');

/** A worker that exists in the database alone, as one does whose process was killed. */
async function ghost(): Promise<string> {
  const id = newId();
  const registration = { id, hostname: 'ghost', pid: 1, queues: null, tasks: ['noop'], concurrency: 1 };
  await registerWorker(h.db.database, { ...registration, leaseMs: 60_000 });
  return id;
}

async function kill(workerId: string): Promise<void> {
  await h.db.database.query(
    `update signalbox.worker set lease_expires_at = now() - interval '1 second' where id = $1`,
    [workerId],
  );
}

describe('a dead worker', () => {
  it('loses its jobs to a live one, which finishes them once', async () => {
    h = await Harness.start([noop]);
    const dead = await ghost();
    const { id } = await h.engine.enqueue(noop, {});
    const [claimed] = await claimJobs(h.db.database, {
      workerId: dead,
      queues: null,
      tasks: ['noop'],
      limit: 1,
    });
    expect(claimed).toMatchObject({ id, attempt: 1, workerId: dead });
    await kill(dead);
    await h.worker();
    const job = await h.until(id, 'succeeded');
    expect(job).toMatchObject({ attempt: 2, crashes: 1, failures: 0, result: 'done' });
    // The dead one was only frozen: what it sends now is late and changes nothing.
    const fence = { jobId: id, attempt: 1, workerId: dead };
    expect(await succeedMany(h.db.database, [{ at: fence, resultJson: '"zombie"' }])).toEqual([false]);
    expect(await settle(h.db.database, fence, { kind: 'cancelled' })).toBe(false);
    expect(await h.engine.jobs.get(id)).toEqual(job);
  });

  it('claims nothing any more', async () => {
    h = await Harness.start([noop]);
    const dead = await ghost();
    await kill(dead);
    await h.engine.enqueue(noop, {});
    expect(
      await claimJobs(h.db.database, { workerId: dead, queues: null, tasks: ['noop'], limit: 1 }),
    ).toEqual([]);
  });

  it('takes a poison job with it only so often', async () => {
    h = await Harness.start([noop]);
    const { id } = await h.engine.enqueue(noop, {});
    for (let crash = 1; crash <= 3; crash += 1) {
      const dead = await ghost();
      const [job] = await claimJobs(h.db.database, {
        workerId: dead,
        queues: null,
        tasks: ['noop'],
        limit: 1,
      });
      expect(job?.attempt).toBe(crash);
      await kill(dead);
      await h.untilJob(id, (found) => found.crashes === crash);
    }
    expect(await h.until(id, 'failed')).toMatchObject({
      reason: 'crashed',
      error: { type: 'worker_crashed' },
    });
    expect(await h.engine.jobs.retry(id)).toMatchObject({ status: 'queued', crashes: 0 });
  });

  it('has its cancelled job cancelled, not run again', async () => {
    h = await Harness.start([noop]);
    const dead = await ghost();
    const { id } = await h.engine.enqueue(noop, {});
    await claimJobs(h.db.database, { workerId: dead, queues: null, tasks: ['noop'], limit: 1 });
    await h.engine.jobs.cancel(id);
    await kill(dead);
    await h.until(id, 'cancelled');
  });

  it('is rescued once, by however many try', async () => {
    h = await Harness.start([noop]);
    await h.engine.stop();
    const dead = await ghost();
    const jobs = await h.engine.enqueueMany(
      noop,
      Array.from({ length: 20 }, () => ({ input: {} })),
    );
    await claimJobs(h.db.database, { workerId: dead, queues: null, tasks: ['noop'], limit: 20 });
    await kill(dead);
    const rescues = await Promise.all(Array.from({ length: 8 }, () => rescueJobs(h.db.database, 3)));
    expect(
      rescues
        .flat()
        .map((job) => job.id)
        .sort(),
    ).toEqual(jobs.map((job) => job.id).sort());
  });
});

describe('a worker that lost its lease', () => {
  it('aborts its jobs with lease_lost, records nothing, and comes back under a new id', async () => {
    const started = gate();
    const ended = gate();
    let cause: string | undefined;
    const held = anyTask('held', async (_input, { job, signal }) => {
      if (job.attempt > 1) return 'second';
      started.open();
      await new Promise<void>((resolve) => signal.addEventListener('abort', () => resolve(), { once: true }));
      cause = abortCauseOf(signal);
      ended.open();
      return 'first';
    });
    h = await Harness.start([held]);
    const worker = await h.worker({ leaseMs: 1_000 });
    const before = worker.id;
    const { id } = await h.engine.enqueue(held, {});
    await started.passed;
    await kill(before as string);
    await ended.passed;
    expect(cause).toBe('lease_lost');
    expect(await h.until(id, 'succeeded')).toMatchObject({ attempt: 2, crashes: 1, result: 'second' });
    expect(worker.id).not.toBe(before);
    expect(worker.lateOutcomes).toBe(1);
  });

  it('gives back jobs whose claim it never heard of', async () => {
    h = await Harness.start([noop]);
    const worker = await h.worker({ concurrency: 1, pollMs: 50 });
    const { id } = await h.engine.enqueue(noop, {}, { runAt: new Date(Date.now() + 60_000) });
    // As if the claim had been committed and its answer lost.
    await h.db.database.query(`update signalbox.job set status = 'queued' where id = $1`, [id]);
    await h.db.database.query(
      `update signalbox.job set status = 'processing', worker_id = $2, attempt = 1 where id = $1 and status = 'queued'`,
      [id, worker.id],
    );
    await h.until(id, 'succeeded');
  });
});

describe('the leader', () => {
  it('is one at a time, and another when it resigns or dies', async () => {
    h = await Harness.start([noop]);
    await h.engine.stop();
    const make = () => new Leader({ db: h.db.database, logger: silentLogger, intervalMs: 60_000 });
    const [a, b] = [make(), make()];
    expect(await a.runOnce()).toMatchObject({ leading: true });
    expect(await b.runOnce()).toMatchObject({ leading: false });
    await a.stop();
    expect(await b.runOnce()).toMatchObject({ leading: true });
    await h.db.database.query(`update signalbox.leader set lease_expires_at = now() - interval '1 second'`);
    expect(await a.runOnce()).toMatchObject({ leading: true });
    expect(await b.runOnce()).toMatchObject({ leading: false });
    await b.stop();
    expect(await a.runOnce()).toMatchObject({ leading: true });
    await a.stop();
  });

  it('ends a cancelled job whose worker does not', async () => {
    h = await Harness.start([noop]);
    const holder = await ghost();
    const { id } = await h.engine.enqueue(noop, {});
    await claimJobs(h.db.database, { workerId: holder, queues: null, tasks: ['noop'], limit: 1 });
    await h.engine.jobs.cancel(id);
    await h.db.database.query(
      `update signalbox.job set cancel_requested_at = now() - interval '1 minute' where id = $1`,
      [id],
    );
    await h.until(id, 'cancelled');
  });
});
