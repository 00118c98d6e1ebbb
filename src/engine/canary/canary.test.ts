import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { silentLogger } from '../../foundation/logger.js';
import { Engine } from '../engine.js';
import { hire } from '../explain/testing/remedies.js';
import { Hooks } from '../hooks.js';
import { checkInvariants } from '../invariants.js';
import { Lanes } from '../lanes.js';
import { claimJobs } from '../sql/claim.js';
import { endOverdue } from '../sql/rescue.js';
import { finish } from '../sql/settle.js';
import { anyTask, gate, Harness } from '../testing/harness.js';
import { type CanaryEnd, canaryTaskName } from './canary.js';
import { CanarySender } from './sender.js';

let h: Harness;
afterEach(() => h.stop());

const work = anyTask('work', async () => 'done');
const minuteMs = 60_000;

/** An engine that sends canaries, and the end of the first one. */
async function watched(tasks = [work], canaryMs = minuteMs) {
  const ends: CanaryEnd[] = [];
  const calls: string[] = [];
  const first = gate();
  h = await Harness.start(tasks, silentLogger, {
    canaryMs,
    hooks: [
      {
        canaryEnded: (end) => {
          ends.push(end);
          first.open();
        },
        jobsAccepted: ({ name }) => calls.push(`accepted ${name}`),
        attemptStarted: ({ task }) => calls.push(`started ${task}`),
        attemptEnded: ({ task }) => calls.push(`ended ${task}`),
      },
    ],
  });
  return { ends, calls, first };
}

async function canaryJobs(): Promise<number> {
  const sql = `select count(*)::integer as n from signalbox.jobs where task = $1`;
  return (await h.db.database.query<{ n: number }>(sql, [canaryTaskName])).rows[0]?.n ?? 0;
}

describe('a canary', () => {
  it('is sent to each queue that has a worker and comes back, and leaves nothing behind', async () => {
    const other = anyTask('other', async () => 'done', { queue: 'elsewhere' });
    const { ends, calls, first } = await watched([work, other]);
    await h.worker({ queues: ['default'] });
    await first.passed;
    expect(ends).toMatchObject([{ queue: 'default', answered: true }]);
    expect(ends[0]?.latencyMs).toBeGreaterThanOrEqual(0);
    const [canary, ...others] = await h.engine.canaries();
    expect(others).toEqual([]);
    expect(canary).toMatchObject({ queue: 'default', pending: false, unanswered: 0, unansweredSince: null });
    expect(canary?.latencyMs).toBe(ends[0]?.latencyMs);
    expect(canary?.answeredAt?.getTime()).toBeGreaterThanOrEqual(canary?.sentAt.getTime() ?? 0);
    expect(await canaryJobs()).toBe(0);
    expect(calls).toEqual([]);
    expect((await h.engine.workers())[0]?.tasks).toEqual(['work', 'other']);
    expect(await checkInvariants(h.db.database)).toEqual([]);
    expect(await h.engine.findings()).toEqual([]);
  });

  it('needs no free slot, neither of the worker nor of a limit, and takes none', async () => {
    const go = gate();
    const begun = gate();
    let most = 0;
    let inside = 0;
    const slow = anyTask(
      'slow',
      async () => {
        inside += 1;
        most = Math.max(most, inside);
        begun.open();
        await go.passed;
        inside -= 1;
      },
      { maxRunning: 1 },
    );
    const { ends, first } = await watched([slow], 5_000);
    await h.engine.gates.limit('queue', 'default', {
      maxRunning: 1,
      rate: { count: 1, periodMs: 3_600_000 },
    });
    const jobs = await h.engine.enqueueMany(
      slow,
      Array.from({ length: 20 }, () => ({ input: {} })),
    );
    await h.worker({ concurrency: 1 });
    await begun.passed;
    await first.passed;
    expect(ends[0]).toMatchObject({ answered: true });
    const { rows } = await h.db.database.query(`select limiter from signalbox.slot order by limiter`);
    expect(rows).toEqual([{ limiter: 'queue:default' }, { limiter: 'task:slow' }]);
    await h.engine.gates.limit('queue', 'default', { rate: null });
    go.open();
    for (const { id } of jobs) await h.until(id, 'succeeded');
    expect(most).toBe(1);
  });

  it('is told of only by its name', async () => {
    await watched();
    await hire(h.db.database, [canaryTaskName, 'work']);
    await h.engine.enqueue(work, {});
    const seen = async () => (await h.engine.jobs.list({ task: canaryTaskName, limit: 10 })).length;
    while ((await seen()) === 0) await h.db.database.query(`select pg_sleep(0.05)`);
    expect((await h.engine.jobs.list({ limit: 10 })).map(({ task }) => task)).toEqual(['work']);
    expect(await h.engine.jobs.counts()).toMatchObject({ queued: 1 });
    const [job] = await h.engine.jobs.list({ task: canaryTaskName, limit: 10 });
    expect(await h.engine.jobs.explain(job?.id ?? '')).toMatchObject({ reasons: [{ code: 'next' }, {}, {}] });
  });

  it('has a name that no task may take', async () => {
    await watched();
    const tasks = [anyTask(canaryTaskName, async () => undefined)];
    expect(() => new Engine({ database: h.db.database, tasks, logger: silentLogger })).toThrow(
      expect.objectContaining({ code: 'task_duplicate' }),
    );
  });
});

describe('canaries that a test sends by hand', () => {
  let sender: CanarySender;
  const ends: CanaryEnd[] = [];

  function makeSender(): CanarySender {
    const { database } = h.db;
    return new CanarySender({
      db: database,
      hooks: new Hooks([{ canaryEnded: (end) => void ends.push(end) }], silentLogger),
      lanes: new Lanes(database),
      enqueue: (tx, task, input, options) => h.engine.enqueue(tx, task, input, options),
      everyMs: minuteMs,
    });
  }

  beforeEach(async () => {
    ends.length = 0;
    h = await Harness.start([work]);
    await h.engine.stop();
    sender = makeSender();
  });

  /** Everything so far was so much earlier. */
  async function passTime(seconds: number): Promise<void> {
    const earlier = `- ${seconds} * interval '1 second'`;
    await h.db.database.query(
      `with c as (update signalbox.canary set sent_at = sent_at ${earlier}, unanswered_since = unanswered_since ${earlier}),
            w as (update signalbox.worker set started_at = started_at ${earlier})
       update signalbox.job set expires_at = expires_at ${earlier}, deadline_at = deadline_at ${earlier}`,
    );
  }

  async function answer(workerId: string): Promise<void> {
    const { database } = h.db;
    const wish = { workerId, queues: null, tasks: [canaryTaskName], limit: 1, suspects: true, floor: null };
    const claim = await claimJobs(database, wish);
    const [brief] = claim.jobs?.list ?? [];
    if (brief === undefined || claim.id === null) throw new Error('there is no canary to answer');
    const fence = { jobId: brief[0], attempt: brief[2], workerId, claimId: claim.id };
    const outcome = { kind: 'succeeded', resultJson: 'null' } as const;
    await finish(database, workerId, [{ fence, outcome, limited: claim.limited }], [claim.id]);
  }

  async function silent(): Promise<string[]> {
    return (await h.engine.findings()).flatMap(({ code, queue }) =>
      code === 'canary_unanswered' ? (queue ?? []) : [],
    );
  }

  it('are one for each queue and minute, however many send them', async () => {
    await hire(h.db.database, [canaryTaskName]);
    const senders = [sender, ...Array.from({ length: 5 }, makeSender)];
    for (let minute = 1; minute <= 3; minute += 1) {
      const turns = await Promise.all(senders.map((one) => one.runOnce()));
      expect(turns.reduce((sum, { sent }) => sum + sent, 0)).toBe(1);
      expect(await canaryJobs()).toBe(1);
      await passTime(61);
      await endOverdue(h.db.database, 0);
    }
  });

  it('are not sent where nobody could answer, or nobody shall', async () => {
    expect(await sender.runOnce()).toMatchObject({ sent: 0 });
    await hire(h.db.database, ['work']);
    expect(await sender.runOnce()).toMatchObject({ sent: 0 });
    await hire(h.db.database, [canaryTaskName], { queues: ['elsewhere'] });
    expect(await sender.runOnce()).toMatchObject({ sent: 0 });
    await h.engine.gates.pause('queue', 'default');
    await hire(h.db.database, [canaryTaskName]);
    expect(await sender.runOnce()).toMatchObject({ sent: 0 });
    await h.engine.gates.resume('queue', 'default');
    expect(await sender.runOnce()).toMatchObject({ sent: 1 });
  });

  it('are missed when a worker that is there does not answer, until one does', async () => {
    const workerId = await hire(h.db.database, [canaryTaskName]);
    await sender.runOnce();
    expect(await silent()).toEqual([]);
    await passTime(31);
    expect(await silent()).toEqual(['default']);
    await passTime(31);
    await endOverdue(h.db.database, 0);
    expect(await sender.runOnce()).toEqual({ sent: 1, answered: 0, unanswered: 1 });
    expect(ends).toEqual([{ queue: 'default', answered: false, latencyMs: null }]);
    // The next one is on its way since a moment ago, and the last answer is as old as before.
    const [finding] = await h.engine.findings();
    expect(finding).toMatchObject({ code: 'canary_unanswered', queue: 'default', waiting: 0 });
    expect(finding?.oldestWaitingMs).toBeGreaterThanOrEqual(62_000);
    expect(await h.engine.canaries()).toMatchObject([{ pending: true, unanswered: 1 }]);
    await h.engine.gates.pause('queue', 'default');
    expect(await silent()).toEqual([]);
    await h.engine.gates.resume('queue', 'default');
    await answer(workerId);
    expect(await sender.runOnce()).toEqual({ sent: 0, answered: 1, unanswered: 0 });
    expect(await silent()).toEqual([]);
    expect(await canaryJobs()).toBe(0);
    expect(await checkInvariants(h.db.database)).toEqual([]);
  });

  it('are not missed while workers are replaced, nor once they are switched off', async () => {
    await hire(h.db.database, [canaryTaskName]);
    await sender.runOnce();
    await passTime(40);
    await h.db.database.query(`delete from signalbox.worker`);
    expect(await silent()).toEqual([]);
    await hire(h.db.database, [canaryTaskName]);
    expect(await silent()).toEqual([]);
    await passTime(21);
    await endOverdue(h.db.database, 0);
    await sender.runOnce();
    expect(await h.engine.canaries()).toMatchObject([{ unanswered: 0, pending: true }]);
    await passTime(40);
    expect(await silent()).toEqual(['default']);
    await passTime(600);
    expect(await silent()).toEqual([]);
  });
});
