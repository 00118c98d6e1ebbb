import { afterEach, describe, expect, it } from 'vitest';
import { newId } from '../../foundation/ids.js';
import { claimJobs } from '../sql/claim.js';
import { registerWorker } from '../sql/workers.js';
import { Ghost } from '../testing/ghost.js';
import { anyTask, Harness } from '../testing/harness.js';

let h: Harness;
afterEach(() => h.stop());

const work = anyTask('work', async () => 'done', { timeoutMs: 60_000 });

async function reasons(id: string) {
  return (await h.engine.jobs.explain(id)).reasons;
}

async function codes(id: string): Promise<string[]> {
  return (await reasons(id)).map(({ code }) => code);
}

/** As the leader would find it so much later. */
async function passTime(id: string, ms: number): Promise<void> {
  await h.db.database.query(
    `update signalbox.claim set claimed_at = claimed_at - $2::float8 * interval '1 millisecond'
     where $1::uuid = any(job_ids)`,
    [id, ms],
  );
}

describe('explain of a job that a worker has', () => {
  it('says which worker, since when, with what lease and time-out', async () => {
    h = await Harness.start([work]);
    const { id } = await h.engine.enqueue(work, {});
    const ghost = await Ghost.appear(h, 'work');
    await ghost.claim(1);
    const [first] = await reasons(id);
    const { startedAt } = await h.engine.jobs.get(id);
    const [worker] = (
      await h.db.database.query<{ until: Date }>(
        `select lease_expires_at as until from signalbox.worker where id = $1`,
        [ghost.id],
      )
    ).rows;
    expect(first).toMatchObject({
      code: 'running',
      details: {
        workerId: ghost.id,
        hostname: 'ghost',
        pid: 1,
        attempt: 1,
        since: startedAt,
        timesOutAt: new Date((startedAt?.getTime() ?? 0) + 60_000),
      },
    });
    // The JSON that the lease came in tells microseconds.
    expect(first?.message).toContain(worker?.until.toISOString());
    expect((await h.engine.jobs.explain(id)).estimatedStart).toBeNull();
  });

  it('tells what was claimed ahead of time from what runs', async () => {
    h = await Harness.start([work]);
    const jobs = await h.engine.enqueueMany(work, [{ input: {} }, { input: {} }, { input: {} }]);
    const workerId = newId();
    const about = {
      hostname: 'here',
      pid: 7,
      queues: null,
      tasks: ['work'],
      concurrency: 2,
      leaseMs: 60_000,
    };
    await registerWorker(h.db.database, { id: workerId, ...about });
    const wish = { workerId, queues: null, tasks: ['work'], suspects: true, floor: null };
    await claimJobs(h.db.database, { ...wish, limit: 1 });
    await claimJobs(h.db.database, { ...wish, limit: 2 });
    const told = await Promise.all(jobs.map(({ id }) => codes(id)));
    expect(told).toEqual([['running'], ['running'], ['claimed']]);
    const [, , last] = jobs;
    expect((await reasons(last?.id ?? ''))[0]).toMatchObject({ details: { workerId, before: 2, slots: 2 } });
  });

  it('says that a cancel is not honoured yet, and when it is enforced', async () => {
    h = await Harness.start([work]);
    const { id } = await h.engine.enqueue(work, {});
    await (await Ghost.appear(h, 'work')).claim(1);
    await h.engine.jobs.cancel(id);
    const [first] = await reasons(id);
    const { cancelRequestedAt } = await h.engine.jobs.get(id);
    expect(first).toMatchObject({
      code: 'cancelling',
      details: {
        requestedAt: cancelRequestedAt,
        endsBy: new Date((cancelRequestedAt?.getTime() ?? 0) + 30_000),
      },
    });
    expect(await codes(id)).toContain('running');
  });

  it('says that an attempt is over its time, and when it is taken away', async () => {
    h = await Harness.start([work]);
    const { id } = await h.engine.enqueue(work, {});
    await (await Ghost.appear(h, 'work')).claim(1);
    await passTime(id, 61_000);
    const [first] = await reasons(id);
    expect(first).toMatchObject({ code: 'overrunning', remedy: expect.stringContaining('restart') });
    expect(await codes(id)).toContain('running');
    await h.engine.stop();
    await h.db.database.query(`delete from signalbox.leader`);
    expect(await codes(id)).toEqual(['overrunning', 'no_leader', 'running']);
  });

  it('says that a deadline has passed while it runs', async () => {
    h = await Harness.start([work]);
    const { id } = await h.engine.enqueue(work, {}, { deadlineAt: new Date(Date.now() + 3_600_000) });
    await (await Ghost.appear(h, 'work')).claim(1);
    expect(await codes(id)).toEqual(['running', 'deadline']);
    await h.db.database.query(`update signalbox.job set deadline_at = now()`);
    const late = await codes(id);
    expect(late[0]).toBe('too_late');
    expect(late).toContain('running');
    expect(late).not.toContain('deadline');
  });
});
