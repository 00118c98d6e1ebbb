import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import type { EnqueueOptions } from '../enqueue.js';
import { checkInvariants } from '../invariants.js';
import type { AcceptedJob } from '../job.js';
import { type Brief, type Claim, claimJobs, promoteDue, readClaim } from '../sql/claim.js';
import { requestCancel, requeue } from '../sql/control.js';
import { setLimits } from '../sql/gates.js';
import { endOverdue } from '../sql/rescue.js';
import { finish, giveBack, type Outcome } from '../sql/settle.js';
import type { Task } from '../task.js';
import { lanes, Rig } from './testing/rig.js';

/** What the model found, or the reading for it: each was wrong once, and is told here in its own words. */

let rig: Rig;
beforeAll(async () => {
  rig = await Rig.create();
});
afterAll(() => rig.stop());
beforeEach(() => rig.reset());

function enqueue(lane: number, options: EnqueueOptions = {}): Promise<AcceptedJob> {
  return rig.engine.enqueue(lanes[lane] as Task, {}, options);
}

async function claim(limit: number): Promise<{ answer: Claim; briefs: readonly Brief[]; ids: string[] }> {
  const { id, queues, tasks } = rig.ghost(0);
  const answer = await claimJobs(rig.db, { workerId: id, queues, tasks, limit, suspects: true, floor: null });
  const briefs = answer.id === null ? [] : (answer.jobs ?? (await readClaim(rig.db, answer.id))).list;
  return { answer, briefs, ids: briefs.map(([id]) => id) };
}

function fenceOf(answer: Claim, [jobId, , attempt]: Brief) {
  return { jobId, attempt, workerId: rig.ghost(0).id, claimId: answer.id ?? '' };
}

async function settle(
  { answer, briefs }: { answer: Claim; briefs: readonly Brief[] },
  outcome: Outcome,
): Promise<void> {
  const { id } = rig.ghost(0);
  for (const brief of briefs) {
    const settled = { fence: fenceOf(answer, brief), limited: answer.limited };
    const held =
      'resultJson' in outcome || outcome.kind === 'failed' || outcome.kind === 'cancelled'
        ? await finish(rig.db, id, [{ ...settled, outcome }], [])
        : await giveBack(rig.db, id, [{ ...settled, outcome }], []);
    expect(held).toBeNull();
  }
}

const done = { kind: 'succeeded', resultJson: 'null' } as const;
const broken = {
  kind: 'failed',
  reason: 'permanent_error',
  error: { type: 'Error', message: 'no', retryable: false, attempt: 1 },
} as const;
const later = {
  kind: 'retrying',
  reason: 'error',
  error: { type: 'Error', message: 'no', retryable: true, attempt: 1 },
  delayMs: 0,
} as const;
const one = { key: 'k', limit: 1 };

async function sound(): Promise<void> {
  expect((await checkInvariants(rig.db)).map(({ message }) => message)).toEqual([]);
}

describe('a claim', () => {
  it('tells of the jobs that it took and of no others, when it had to look twice', async () => {
    await enqueue(0, { concurrency: one });
    await claim(1);
    await enqueue(0, { concurrency: one, priority: -1 });
    const free = [await enqueue(0), await enqueue(0), await enqueue(0)].map(({ id }) => id);
    const { answer, ids } = await claim(2);
    expect(answer).toMatchObject({ taken: 2, limited: false });
    expect(ids).toEqual(free.slice(0, 2));
  });

  it('tells of jobs from its first look too', async () => {
    await enqueue(0, { concurrency: one });
    await claim(1);
    const first = await enqueue(0, { priority: -1 });
    await enqueue(0, { concurrency: one, priority: -1 });
    const second = await enqueue(0);
    expect((await claim(2)).ids).toEqual([first.id, second.id]);
  });

  it('asks for another when it passed over jobs of a full gate', async () => {
    await setLimits(rig.db, 'queue', 'left', { maxRunning: 1 });
    const [a] = [await enqueue(0), await enqueue(1)];
    const free = await enqueue(3);
    const first = await claim(2);
    expect(first.ids).toEqual([a.id]);
    expect(first.answer.again).toBe(true);
    expect((await claim(1)).ids).toEqual([free.id]);
  });

  it('lets in the next of a key that allows more than the one before it', async () => {
    for (const limit of [1, 1, 2]) await enqueue(0, { concurrency: { key: 'k', limit } });
    await settle(await claim(3), done);
    expect((await claim(1)).ids).toHaveLength(1);
    await sound();
    expect((await claim(1)).ids).toHaveLength(1);
  });
});

describe('a key with room', () => {
  it('goes to the next when the job that it was meant for is cancelled', async () => {
    const [first, second, third] = [
      await enqueue(0, { concurrency: one }),
      await enqueue(0, { concurrency: one }),
      await enqueue(0, { concurrency: one }),
    ];
    const claimed = await claim(3);
    expect(claimed.ids).toEqual([first.id]);
    await settle(claimed, done);
    // A claim that takes something else first lets the second stand at the front.
    const urgent = await enqueue(1, { priority: -1 });
    expect((await claim(1)).ids).toEqual([urgent.id]);
    expect(await requestCancel(rig.db, second.id)).toBe('cancelled');
    await sound();
    expect((await claim(1)).ids).toEqual([third.id]);
  });

  it('goes to the next when the job that it was meant for comes too late', async () => {
    const [, second, third] = [
      await enqueue(0, { concurrency: one }),
      await enqueue(0, { concurrency: one, deadlineAt: new Date(Date.now() + 60_000) }),
      await enqueue(0, { concurrency: one }),
    ];
    await settle(await claim(3), done);
    await rig.db.query(`update signalbox.job set deadline_at = now() where id = $1`, [second.id]);
    expect((await claim(1)).ids).toEqual([]);
    expect(await endOverdue(rig.db, 0)).toEqual({ expired: [], deadline: [expect.any(String)] });
    await sound();
    expect((await claim(1)).ids).toEqual([third.id]);
  });
});

describe('a cancel', () => {
  it('is not lost when the worker puts the job back at the same moment', async () => {
    const { id } = await enqueue(0);
    const { answer, briefs } = await claim(1);
    const ghost = rig.ghost(0).id;
    const [brief] = briefs as readonly [Brief];
    let cancel: Promise<unknown> = Promise.resolve();
    await rig.db.transaction(async (tx) => {
      await giveBack(tx, ghost, [{ fence: fenceOf(answer, brief), limited: false, outcome: later }], []);
      cancel = requestCancel(rig.db, id);
      await somebodyWaits();
    });
    expect(await cancel).toBe('cancelled');
    expect(await rig.engine.jobs.get(id)).toMatchObject({ status: 'cancelled', attempt: 1 });
    await sound();
  });
});

/** Resolves when a statement waits for a row that another transaction holds. */
async function somebodyWaits(): Promise<void> {
  const sql = `select count(*)::integer as n from pg_stat_activity
    where datname = current_database() and wait_event_type = 'Lock'`;
  for (;;) if (((await rig.db.query<{ n: number }>(sql)).rows[0]?.n ?? 0) > 0) return;
}

describe('a job that is retried by a person', () => {
  it('can be claimed although a limit set while it ran still counts it', async () => {
    const { id } = await enqueue(0);
    const claimed = await claim(1);
    await setLimits(rig.db, 'queue', 'left', { maxRunning: 5 });
    await settle(claimed, broken);
    expect(await requeue(rig.db, id)).toBe(true);
    expect((await claim(1)).ids).toEqual([id]);
    await sound();
  });
});

describe('a unique key', () => {
  it('does not come back to a job that has ended when its enqueue is repeated', async () => {
    const unique = { key: 'u' };
    const { id } = await enqueue(0, { id: '01900000-0000-7000-8000-000000000001', unique });
    await settle(await claim(1), done);
    expect(await enqueue(0, { id, unique })).toMatchObject({ id, duplicate: true, status: 'succeeded' });
    expect(await enqueue(0, { unique })).toMatchObject({ duplicate: false });
    await sound();
  });

  it('goes when a failed attempt leaves the states that keep it', async () => {
    const unique = { key: 'u', states: ['queued', 'processing'] } as const;
    await enqueue(0, { unique });
    await settle(await claim(1), later);
    expect(await enqueue(0, { unique })).toMatchObject({ duplicate: false });
    await sound();
  });

  it('goes when a job that was due leaves the states that keep it', async () => {
    const unique = { key: 'u', states: ['scheduled', 'retrying', 'processing'] } as const;
    await enqueue(0, { unique, runAt: new Date(Date.now() + 60_000) });
    await rig.db.query(`update signalbox.job set run_at = now()`);
    await promoteDue(rig.db, 10);
    expect(await enqueue(0, { unique })).toMatchObject({ duplicate: false });
  });
});
