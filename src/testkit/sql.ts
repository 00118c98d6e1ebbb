import type { Queryable } from '../database/queryable.js';

const dueSql = `
  update signalbox.job j set run_at = least(j.run_at, now())
  from signalbox.lane l
  where l.id = j.lane_id and j.hold in ('scheduled', 'retrying')
    and ($1::text is null or l.task = $1) and ($2::uuid is null or j.id = $2)`;

/** Lets waiting jobs be due now. @returns how many there are */
export async function makeDue(db: Queryable, task?: string, id?: string): Promise<number> {
  return (await db.query(dueSql, [task, id])).rowCount ?? 0;
}

// Everything that a time is compared with moves into the past, and what it is compared with in turn moves along.
const advanceSql = `
  with d as (select $1::float8 * interval '1 millisecond' as ms),
  jobs as (
    update signalbox.job j
    set created_at = j.created_at - d.ms, run_at = j.run_at - d.ms, started_at = j.started_at - d.ms,
        touched_at = j.touched_at - d.ms, expires_at = j.expires_at - d.ms, deadline_at = j.deadline_at - d.ms
    from d
    returning j.hold in ('scheduled', 'retrying') and j.run_at <= now() as due),
  gates as (
    update signalbox.gate g set refilled_at = g.refilled_at - d.ms, closed_until = g.closed_until - d.ms from d),
  keys as (update signalbox.unique_key u set until = u.until - d.ms from d where u.until is not null)
  select count(*) filter (where due)::integer as due from jobs`;

/** As if so many milliseconds had passed for what waits, for rates and for unique keys. @returns how many jobs are due */
export async function advance(db: Queryable, ms: number): Promise<number> {
  return (await db.query<{ due: number }>(advanceSql, [ms])).rows[0]?.due ?? 0;
}

const emptySql = `
  truncate signalbox.job, signalbox.payload, signalbox.finished, signalbox.claim, signalbox.slot, signalbox.freed,
    signalbox.unique_key, signalbox.tally, signalbox.job_log, signalbox.gate`;

/** Removes every job and every limit; lanes and workers stay. */
export async function empty(db: Queryable): Promise<void> {
  await db.query(emptySql);
}
