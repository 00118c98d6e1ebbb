import { many, type Queryable } from '../../database/queryable.js';
import type { FiringRow } from './row.js';
import type { FiringOutcome } from './schedule.js';

/** One row to insert. */
export interface NewFiring {
  readonly slot: Date;
  readonly kind: 'slot' | 'manual';
  readonly outcome: FiringOutcome;
  readonly jobId: string | null;
  readonly missedFrom?: Date;
  readonly missed?: number | null;
}

// The primary key decides who fires: whoever inserts the row of a slot enqueues its job in the same transaction, and
// everybody else gets nothing. One who comes at the same time waits until that transaction has ended.
const insertSql = `
  insert into signalbox.schedule_firing (schedule, slot, kind, outcome, job_id, missed_from, missed)
  select $1, n.slot, n.kind, n.outcome, n.job_id, n.missed_from, n.missed
  from jsonb_to_recordset($2::jsonb) as n(
    slot timestamptz, kind text, outcome text, job_id uuid, missed_from timestamptz, missed integer)
  order by n.slot
  on conflict (schedule, slot, kind) do nothing
  returning *`;

/** @returns the rows that are ours; a slot that is not among them has been decided already */
export async function insertFirings(
  tx: Queryable,
  schedule: string,
  firings: readonly NewFiring[],
): Promise<FiringRow[]> {
  const rows = firings.map((firing) => ({
    slot: firing.slot,
    kind: firing.kind,
    outcome: firing.outcome,
    job_id: firing.jobId,
    missed_from: firing.missedFrom,
    missed: firing.missed,
  }));
  return many<FiringRow>(tx, insertSql, [schedule, JSON.stringify(rows)]);
}

// One row by its primary key. A held slot leaves that state once: a second release finds nothing.
const releaseSql = `
  update signalbox.schedule_firing
  set outcome = 'enqueued', job_id = $3, at = now()
  where schedule = $1 and slot = $2 and kind = 'slot' and outcome = 'held'
  returning *`;

/** @returns `undefined` when the slot is no longer held */
export async function releaseHeld(
  tx: Queryable,
  schedule: string,
  slot: Date,
  jobId: string,
): Promise<FiringRow | undefined> {
  return (await many<FiringRow>(tx, releaseSql, [schedule, slot, jobId]))[0];
}

// One row by its primary key, inserted by this transaction.
const setJobSql = `
  update signalbox.schedule_firing set job_id = $4 where schedule = $1 and slot = $2 and kind = $3`;

export async function setFiringJob(tx: Queryable, firing: FiringRow, jobId: string): Promise<void> {
  await tx.query(setJobSql, [firing.schedule, firing.slot, firing.kind, jobId]);
}

// Primary key, from the newest: reads what it keeps. A held slot stays however old it is. Nothing is fired for a slot
// before `next_slot`, so a pruned one never comes back.
const pruneSql = `
  delete from signalbox.schedule_firing
  where schedule = $1 and outcome <> 'held' and slot <= (
    select slot from signalbox.schedule_firing where schedule = $1
    order by slot desc offset $2 limit 1)`;

/** Keeps the newest `keep`. */
export async function pruneFirings(tx: Queryable, schedule: string, keep: number): Promise<void> {
  await tx.query(pruneSql, [schedule, keep]);
}

// Primary key, from the newest.
const listSql = `
  select * from signalbox.schedule_firing where schedule = $1 order by slot desc, kind limit $2`;

/** Newest first. */
export async function listFirings(db: Queryable, schedule: string, limit: number): Promise<FiringRow[]> {
  return many<FiringRow>(db, listSql, [schedule, limit]);
}
