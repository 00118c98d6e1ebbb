import { afterEach, describe, expect, it } from 'vitest';
import { abortCauseOf } from '../foundation/abort.js';
import { newId } from '../foundation/ids.js';

import type { EnqueueOptions } from './enqueue.js';
import { type Brief, claimJobs } from './sql/claim.js';
import { endOverdue, rescueJobs } from './sql/rescue.js';
import { finish, giveBack } from './sql/settle.js';
import { registerWorker } from './sql/workers.js';
import { expectAllAtRest } from './testing/consistency.js';
import { anyTask, cancelIfCan, gate, Harness, leaderOf } from './testing/harness.js';

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

async function claim(
  workerId: string,
  limit = 1,
): Promise<{ claimId: string | null; jobs: readonly Brief[] }> {
  const wish = { workerId, queues: null, tasks: ['noop'], limit, suspects: true, floor: null };
  const { id, jobs } = await claimJobs(h.db.database, wish);
  return { claimId: id, jobs: jobs?.list ?? [] };
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
    const { claimId, jobs } = await claim(dead);
    expect(jobs.map((job) => [job[0], job[2]])).toEqual([[id, 1]]);
    await kill(dead);
    await h.worker();
    const job = await h.until(id, 'succeeded');
    expect(job).toMatchObject({ attempt: 2, crashes: 1, failures: 0, result: 'done' });
    // The dead one was only frozen: what it sends now is late and changes nothing.
    const fence = { jobId: id, attempt: 1, workerId: dead, claimId: claimId as string };
    const late = { fence, limited: false };
    const none = new Set();
    const succeeded = { kind: 'succeeded', resultJson: '"zombie"' } as const;
    expect(await finish(h.db.database, dead, [{ ...late, outcome: succeeded }], [])).toEqual(none);
    expect(await finish(h.db.database, dead, [{ ...late, outcome: { kind: 'cancelled' } }], [])).toEqual(
      none,
    );
    expect(
      await giveBack(h.db.database, dead, [{ ...late, outcome: { kind: 'released', begun: true } }], []),
    ).toEqual(none);
    expect(await h.engine.jobs.get(id)).toEqual(job);
  });

  it('claims nothing any more', async () => {
    h = await Harness.start([noop]);
    const dead = await ghost();
    await kill(dead);
    await h.engine.enqueue(noop, {});
    expect(await claim(dead)).toEqual({ claimId: null, jobs: [] });
  });

  it('takes a poison job with it only so often', async () => {
    h = await Harness.start([noop]);
    const { id } = await h.engine.enqueue(noop, {});
    for (let crash = 1; crash <= 3; crash += 1) {
      const dead = await ghost();
      const { jobs } = await claim(dead);
      expect(jobs[0]?.[2]).toBe(crash);
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
    await claim(dead);
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
    await claim(dead, 20);
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
    const other = await h.engine.enqueue(noop, {}, { runAt: new Date(Date.now() + 60_000) });
    // As if the claim had been committed and its answer lost.
    await h.db.database.query(
      `with ready as (update signalbox.job set hold = null where id = $1 returning id)
       insert into signalbox.claim (worker_id, job_ids, runs) select $2, array[id], array[0] from ready`,
      [other.id, worker.id],
    );
    const { id } = other;
    await h.until(id, 'succeeded');
  });
});

describe('an outcome on its way', () => {
  /** One that is written and not committed until the gate opens. */
  async function pending(workerId: string, claimId: string, id: string) {
    const written = gate();
    const may = gate();
    const fence = { jobId: id, attempt: 1, workerId, claimId };
    const outcome = { kind: 'succeeded', resultJson: '"done"' } as const;
    const batch = [{ fence, outcome, limited: false }];
    const committed = h.db.database.transaction(async (tx) => {
      expect(await finish(tx, workerId, batch, [])).toBeNull();
      written.open();
      await may.passed;
    });
    await written.passed;
    return { commit: may.open, committed, again: () => finish(h.db.database, workerId, batch, []) };
  }

  async function runsOn(workerId: string, options: EnqueueOptions = {}) {
    const { id } = await h.engine.enqueue(noop, {}, options);
    const { claimId } = await claim(workerId);
    return { id, claimId: claimId as string };
  }

  it('is not overtaken by a rescue, which does not wait for it', async () => {
    h = await Harness.start([noop]);
    await h.engine.stop();
    const dead = await ghost();
    const { id, claimId } = await runsOn(dead);
    const outcome = await pending(dead, claimId, id);
    await kill(dead);
    expect(await rescueJobs(h.db.database, 3)).toEqual([]);
    outcome.commit();
    await outcome.committed;
    expect(await rescueJobs(h.db.database, 3)).toEqual([]);
    expect(await h.engine.jobs.get(id)).toMatchObject({ status: 'succeeded', attempt: 1, crashes: 0 });
    await expectAllAtRest(h);
  });

  it('is not overtaken by the deadline of its job, which nobody reports then', async () => {
    h = await Harness.start([noop]);
    await h.engine.stop();
    const worker = await ghost();
    const { id, claimId } = await runsOn(worker, { deadlineAt: new Date(Date.now() + 3_600_000) });
    await h.db.database.query(`update signalbox.job set deadline_at = now() where id = $1`, [id]);
    const outcome = await pending(worker, claimId, id);
    expect(await endOverdue(h.db.database, 0)).toEqual({ expired: [], deadline: [] });
    outcome.commit();
    await outcome.committed;
    expect(await h.engine.jobs.get(id)).toMatchObject({ status: 'succeeded' });
  });

  it('makes a cancel wait and find the job ended', async () => {
    h = await Harness.start([noop]);
    const worker = await ghost();
    const { id, claimId } = await runsOn(worker);
    const outcome = await pending(worker, claimId, id);
    const cancel = cancelIfCan(h.engine, id);
    await blocked('cancel');
    outcome.commit();
    await Promise.all([outcome.committed, cancel]);
    expect(await h.engine.jobs.get(id)).toMatchObject({ status: 'succeeded', cancelRequestedAt: null });
  });

  it('is recorded once though it is sent twice', async () => {
    h = await Harness.start([noop]);
    const worker = await ghost();
    const { id, claimId } = await runsOn(worker);
    const outcome = await pending(worker, claimId, id);
    const again = outcome.again();
    await blocked('finish');
    outcome.commit();
    await outcome.committed;
    expect(await again).toEqual(new Set());
    expect(await h.engine.jobs.counts()).toMatchObject({ succeeded: 1, processing: 0, queued: 0 });
    await expectAllAtRest(h);
  });

  /** Until a statement that calls this function waits for a lock. */
  async function blocked(name: string): Promise<void> {
    const sql = `select from pg_stat_activity where datname = current_database() and wait_event_type = 'Lock'
      and query like '%signalbox.' || $1 || '(%'`;
    await expect.poll(async () => (await h.db.database.query(sql, [name])).rowCount).toBeGreaterThan(0);
  }
});

describe('a rescued job', () => {
  it('does not wait for the end of a backlog of quick jobs', async () => {
    const quick = anyTask('quick', async () => {
      await new Promise((resolve) => setTimeout(resolve, 2));
    });
    h = await Harness.start([quick, noop]);
    const dead = await ghost();
    const { id } = await h.engine.enqueue(noop, {});
    await claim(dead);
    await h.engine.enqueueMany(
      quick,
      Array.from({ length: 6_000 }, () => ({ input: {} })),
    );
    const worker = await h.worker({ concurrency: 2 });
    await h.untilJob(id, () => worker.running === 2);
    await kill(dead);
    expect(await h.until(id, 'succeeded')).toMatchObject({ attempt: 2, crashes: 1 });
    expect((await h.engine.jobs.counts()).queued).toBeGreaterThan(500);
  }, 30_000);
});

describe('a claim', () => {
  it('is on the disk before it answers when its jobs use a limit', async () => {
    h = await Harness.start([noop]);
    await h.engine.stop();
    const worker = await ghost();
    const waits = async (concurrency?: { key: string; limit: number }) => {
      await h.engine.enqueue(noop, {}, { concurrency });
      return h.db.database.transaction(async (tx) => {
        const wish = {
          workerId: worker,
          queues: null,
          tasks: ['noop'],
          limit: 1,
          suspects: true,
          floor: null,
        };
        expect(await claimJobs(tx, wish)).toMatchObject({ taken: 1 });
        const sql = `select current_setting('synchronous_commit') as mode`;
        return (await tx.query<{ mode: string }>(sql)).rows[0]?.mode;
      });
    };
    expect(await waits()).toBe('off');
    expect(await waits({ key: 'k', limit: 1 })).toBe('on');
  });

  it('that a crash of the database undid ends what runs of it', async () => {
    const started = gate();
    let cause: string | undefined;
    const held = anyTask('held', async (_input, { job, signal }) => {
      if (job.id !== first) return 'other';
      first = undefined;
      started.open();
      await new Promise<void>((resolve) => signal.addEventListener('abort', () => resolve(), { once: true }));
      cause = abortCauseOf(signal);
      return 'undone';
    });
    let first: string | undefined;
    h = await Harness.start([held]);
    const id = newId();
    first = id;
    await h.worker();
    await h.engine.enqueue(held, {}, { id });
    await started.passed;
    await h.db.database.query(`delete from signalbox.claim`);
    // As the LISTEN connection says when it is back.
    await h.db.database.query(`select pg_notify('signalbox', 'resync:')`);
    expect(await h.until(id, 'succeeded')).toMatchObject({ result: 'other', crashes: 0 });
    await h.untilJob(id, () => cause !== undefined, 'the abort');
    expect(cause).toBe('lease_lost');
  });
});

describe('the leader', () => {
  it('is one at a time, and another when it resigns or dies', async () => {
    h = await Harness.start([noop]);
    await h.engine.stop();
    const make = () => leaderOf(h, { intervalMs: 60_000 });
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
    await claim(holder);
    await h.engine.jobs.cancel(id);
    await h.db.database.query(
      `update signalbox.job set cancel_requested_at = now() - interval '1 minute' where id = $1`,
      [id],
    );
    await h.until(id, 'cancelled');
  });
});
