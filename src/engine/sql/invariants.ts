import type { Queryable } from '../../database/queryable.js';

// No lock. One statement, so that all of it is compared as of one moment: every move of a job is one transaction, and
// none of them can be seen half done. Reads the unfinished jobs, and the ended ones for their number, whole.
const violationsSql = `
  with busy as (
    select r.* from signalbox.running r join signalbox.job j on j.id = r.job_id and j.runs = r.runs),
  there as (
    select lane_id, count(*) as live, count(*) filter (where hold = 'scheduled') as scheduled,
           count(*) filter (where hold = 'retrying') as retrying, 0 as succeeded, 0 as failed, 0 as cancelled
    from signalbox.job group by lane_id
    union all
    select lane_id, 0, 0, 0, count(*) filter (where status = 'succeeded'), count(*) filter (where status = 'failed'),
           count(*) filter (where status = 'cancelled')
    from signalbox.finished group by lane_id
    union all
    select lane_id, -live, -scheduled, -retrying, -succeeded, -failed, -cancelled from signalbox.tally),
  drift as (
    select sum(live) as live, sum(scheduled) as scheduled, sum(retrying) as retrying, sum(succeeded) as succeeded,
           sum(failed) as failed, sum(cancelled) as cancelled
    from there group by lane_id)
  select code, count::integer from (
    select 'job_in_two_places' as code, count(*)
    from signalbox.job j join signalbox.finished f on f.id = j.id
    union all
    select 'worker_dead', count(*) from busy b
    where b.claimed_at < now() - $1::float8 * interval '1 millisecond'
      and not exists (
        select from signalbox.worker w
        where w.id = b.worker_id and w.lease_expires_at > now() - $1::float8 * interval '1 millisecond')
    union all
    select 'slot_unused', count(*) from signalbox.slot s
    where not exists (select from busy b where b.job_id = s.job_id)
    union all
    select 'tally_wrong', coalesce(sum(
      (live <> 0)::integer + (scheduled <> 0)::integer + (retrying <> 0)::integer + (succeeded <> 0)::integer
      + (failed <> 0)::integer + (cancelled <> 0)::integer), 0) from drift) as v
  where count > 0
  order by code`;

export interface ViolationRow {
  readonly code: 'job_in_two_places' | 'worker_dead' | 'slot_unused' | 'tally_wrong';
  readonly count: number;
}

/** What does not hold, and how often. Empty: all is well. */
export async function findViolations(db: Queryable, rescueGraceMs: number): Promise<ViolationRow[]> {
  return (await db.query<ViolationRow>(violationsSql, [rescueGraceMs])).rows;
}
