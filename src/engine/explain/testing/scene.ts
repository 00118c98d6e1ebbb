import type { Database } from '../../../database/database.js';
import type { Engine } from '../../engine.js';
import { claimJobs } from '../../sql/claim.js';
import { closeGate, type GateKind, pauseGate, setLimits } from '../../sql/gates.js';
import { giveBack, type Return } from '../../sql/settle.js';
import { anyTask } from '../../testing/harness.js';
import { electLeader, hire } from './remedies.js';

/** What may keep one job of task `a` in queue `left` waiting, all at once. */
export interface Scene {
  readonly pausedQueue: boolean;
  readonly pausedTask: boolean;
  readonly workers: 'none' | 'dead' | 'other queue' | 'other task' | 'draining' | 'busy' | 'free';
  readonly queueLimit: Limit;
  readonly taskLimit: Limit;
  readonly key: 'none' | 'free' | 'full';
  readonly closed: GateKind | null;
  readonly when: 'now' | 'scheduled' | 'snoozed' | 'refused' | 'retrying' | 'due';
  readonly over: 'no' | 'cancelled' | 'expired' | 'deadline';
  readonly suspect: boolean;
  readonly led: boolean;
}

export type Limit = 'none' | 'roomy' | 'full' | 'zero';

const task = anyTask('a', async () => undefined, { queue: 'left' });
const filler = anyTask('filler', async () => undefined, { queue: 'elsewhere' });
const hourMs = 3_600_000;

/** Builds the scene in an empty database. @returns the job that waits */
export async function stage(db: Database, engine: Engine, scene: Scene): Promise<string> {
  if (scene.led) await electLeader(db);
  await occupy(db, engine, scene);
  const id = await bring(db, engine, scene);
  await limit(db, 'queue', 'left', scene.queueLimit);
  await limit(db, 'task', 'a', scene.taskLimit);
  if (scene.closed !== null)
    await closeGate(db, scene.closed, scene.closed === 'queue' ? 'left' : 'a', hourMs);
  if (scene.pausedQueue) await pauseGate(db, 'queue', 'left', true);
  if (scene.pausedTask) await pauseGate(db, 'task', 'a', true);
  await man(db, engine, scene);
  return id;
}

/** One job of its queue, its task and its key that runs, on a worker that is gone. */
async function occupy(db: Database, engine: Engine, { key, queueLimit, taskLimit }: Scene): Promise<void> {
  if (key !== 'full' && queueLimit !== 'full' && taskLimit !== 'full') return;
  await engine.enqueue(task, {}, key === 'full' ? { concurrency: { key: 'k', limit: 1 } } : {});
  await claimOne(db, 'gone', ['a']);
}

async function bring(db: Database, engine: Engine, scene: Scene): Promise<string> {
  const { when, over, key } = scene;
  const { id } = await engine.enqueue(
    task,
    {},
    {
      concurrency: key === 'none' ? undefined : { key: key === 'full' ? 'k' : 'free', limit: 1 },
      runAt: when === 'scheduled' || when === 'due' ? new Date(Date.now() + hourMs) : undefined,
    },
  );
  const back = returns[when];
  if (back !== undefined) {
    // Its key is taken by the one that runs already: that must not keep it from this first run.
    await db.query(`update signalbox.job set limit_max = limit_max + 1 where id = $1`, [id]);
    const { workerId, claimId } = await claimOne(db, 'first', ['a']);
    await giveBack(
      db,
      workerId,
      [{ fence: { jobId: id, attempt: 1, workerId, claimId }, outcome: back, limited: true }],
      [claimId],
    );
    await db.query(`update signalbox.job set limit_max = limit_max - 1 where id = $1`, [id]);
    await db.query(`delete from signalbox.worker where id = $1`, [workerId]);
  }
  await db.query(marksSql, [id, when === 'due', over, scene.suspect]);
  return id;
}

const returns: Partial<Record<Scene['when'], Return>> = {
  snoozed: { kind: 'snoozed', reason: 'snoozed', delayMs: hourMs, message: 'no sandbox is free' },
  refused: { kind: 'snoozed', reason: 'rate_limited', delayMs: hourMs, message: 'the provider said 429' },
  retrying: {
    kind: 'retrying',
    reason: 'error',
    error: { type: 'TypeError', message: 'odd', retryable: true, attempt: 1 },
    delayMs: hourMs,
  },
};

const marksSql = `
  update signalbox.job
  set run_at = case when $2 then now() - interval '1 second' else run_at end,
      cancel_requested_at = case when $3 = 'cancelled' then now() end,
      expires_at = case when $3 = 'expired' then now() end,
      started_at = case when $3 = 'expired' then null else started_at end,
      deadline_at = case when $3 = 'deadline' then now() end,
      crashes = case when $4 then 1 else 0 end
  where id = $1`;

async function limit(db: Database, kind: GateKind, name: string, limit: Limit): Promise<void> {
  if (limit === 'none') return;
  await setLimits(db, kind, name, { maxRunning: { roomy: 9, full: 1, zero: 0 }[limit] });
}

async function man(db: Database, engine: Engine, { workers }: Scene): Promise<void> {
  switch (workers) {
    case 'none':
      return;
    case 'other queue':
      await hire(db, ['a'], { queues: ['elsewhere'] });
      return;
    case 'other task':
      await hire(db, ['filler'], { queues: ['left'] });
      return;
    case 'busy':
      await engine.enqueue(filler, {});
      await claimOne(db, 'living', ['a', 'filler'], ['elsewhere', 'left']);
      return;
    default: {
      const id = await hire(db, ['a']);
      if (workers === 'draining')
        await db.query(`update signalbox.worker set status = 'draining' where id = $1`, [id]);
      if (workers === 'dead') await db.query(diesSql, [id]);
    }
  }
}

const diesSql = `update signalbox.worker set lease_expires_at = now() - interval '1 second' where id = $1`;

/** A worker with one slot that has one job. A `living` one has a filler; others are gone afterwards, or go later. */
async function claimOne(
  db: Database,
  fate: 'living' | 'gone' | 'first',
  tasks: readonly string[],
  queues?: readonly string[],
): Promise<{ workerId: string; claimId: string }> {
  const workerId = await hire(db, tasks, { concurrency: 1, ...(queues === undefined ? {} : { queues }) });
  const only = fate === 'living' ? ['filler'] : tasks;
  const wish = { workerId, queues: null, tasks: only, limit: 1, suspects: true, floor: null };
  const claim = await claimJobs(db, wish);
  if (claim.id === null) throw new Error(`the ${fate} worker found nothing to claim`);
  if (fate === 'gone') await db.query(diesSql, [workerId]);
  return { workerId, claimId: claim.id };
}
