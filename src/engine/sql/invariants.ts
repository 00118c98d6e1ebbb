import type { Queryable } from '../../database/queryable.js';

export const violationCodes = [
  'job_in_two_places',
  'job_claimed_twice',
  'job_without_lane',
  'job_without_input',
  'running_job_held',
  'worker_dead',
  'slot_missing',
  'slot_foreign',
  'slot_unused',
  'limit_exceeded',
  'wake_up_lost',
  'tally_wrong',
  'unique_key_stale',
  'events_broken',
  'attempt_went_back',
] as const;
export type ViolationCode = (typeof violationCodes)[number];

export interface ViolationRow {
  readonly code: ViolationCode;
  /** What it is about beside jobs: a limit, a key, a lane, a worker. */
  readonly subject: string;
  /** What is there and what should be, where numbers say it. */
  readonly detail: string | null;
  /** How many jobs or rows, of which at most ten are named in `job_ids`. */
  readonly count: number;
  readonly job_ids: string[];
}

// One statement, so that everything is seen at one moment: a second look would take a job that moved for two.
// No lock. Reads every job and every ended job once: seconds for millions.
const violationsSql = `
  with busy as materialized (
    select r.job_id, r.runs, r.ord, c.id as claim_id, c.worker_id, c.claimed_at
    from signalbox.claim c cross join lateral unnest(c.job_ids, c.runs) with ordinality as r(job_id, runs, ord)),
  running as materialized (
    select b.claim_id, b.ord, b.worker_id, b.claimed_at, j.id, j.hold, j.limit_key, j.limit_max, l.queue, l.task
    from busy b
    join signalbox.job j on j.id = b.job_id and j.runs = b.runs
    left join signalbox.lane l on l.id = j.lane_id),
  used as materialized (select s.limiter, count(*)::integer as n from signalbox.slot s group by s.limiter),
  due as (
    select r.id, 'key:' || r.limit_key as limiter from running r where r.limit_key is not null
    union
    select r.id, g.kind || ':' || g.name from running r
    join signalbox.gate g on (g.kind = 'queue' and g.name = r.queue) or (g.kind = 'task' and g.name = r.task)
    where g.max_running is not null),
  told as (
    select h.id, e.seq, e.attempt, e.at, count(*) over of_job as events,
           lag(e.seq) over of_job as seq_before, lag(e.attempt) over of_job as attempt_before
    from (select j.id, j.events from signalbox.job j where j.events is not null
          union all
          select f.id, f.events from signalbox.finished f where f.events is not null) as h
    cross join lateral (
      select (a.event ->> 'seq')::integer as seq, (a.event ->> 'attempt')::integer as attempt, a.at
      from jsonb_array_elements(h.events) with ordinality as a(event, at)) as e
    window of_job as (partition by h.id order by e.at rows between unbounded preceding and unbounded following)),
  -- The head of each line that waits for a key: what came free goes to it first.
  heads as (
    select distinct on (j.limit_key) j.limit_key, j.limit_max, j.id from signalbox.job j
    where j.hold = 'limited' order by j.limit_key, j.priority, j.place),
  -- Jobs of a key that a claim can take: room that they will use is not lost.
  ready as (
    select j.limit_key, count(*)::integer as n from signalbox.job j
    where j.limit_key is not null and j.hold is null and not exists (select from running r where r.id = j.id)
    group by j.limit_key),
  counted as (
    select t.lane_id, sum(t.live) as live, sum(t.scheduled) as scheduled, sum(t.retrying) as retrying,
           sum(t.processing) as processing, sum(t.succeeded) as succeeded, sum(t.failed) as failed, sum(t.cancelled) as cancelled
    from signalbox.tally t group by t.lane_id),
  present as (
    select p.lane_id, sum(p.live) as live, sum(p.scheduled) as scheduled, sum(p.retrying) as retrying,
           sum(p.processing) as processing, sum(p.succeeded) as succeeded, sum(p.failed) as failed, sum(p.cancelled) as cancelled
    from (
      select j.lane_id, count(*) as live, count(*) filter (where j.hold = 'scheduled') as scheduled,
             count(*) filter (where j.hold = 'retrying') as retrying,
             count(*) filter (where exists (select from running r where r.id = j.id)) as processing,
             0 as succeeded, 0 as failed, 0 as cancelled
      from signalbox.job j group by j.lane_id
      union all
      select f.lane_id, 0, 0, 0, 0, count(*) filter (where f.status = 'succeeded'),
             count(*) filter (where f.status = 'failed'), count(*) filter (where f.status = 'cancelled')
      from signalbox.finished f group by f.lane_id) as p
    group by p.lane_id),
  violation(code, subject, detail, job_id) as (
    select 'job_in_two_places', '', null, j.id
    from signalbox.job j join signalbox.finished f on f.id = j.id
    union all
    select 'job_claimed_twice', '', null, b.job_id
    from busy b group by b.job_id, b.runs having count(*) > 1
    union all
    select 'job_without_lane', n.lane_id::text, null, n.id
    from (select j.id, j.lane_id from signalbox.job j union all select f.id, f.lane_id from signalbox.finished f) as n
    where not exists (select from signalbox.lane l where l.id = n.lane_id)
    union all
    select 'job_without_input', '', null, j.id
    from signalbox.job j
    where j.input is null and not exists (select from signalbox.payload p where p.job_id = j.id)
    union all
    select 'running_job_held', '', r.hold, r.id from running r where r.hold is not null
    union all
    select 'worker_dead', r.worker_id::text, null, r.id
    from running r left join signalbox.worker w on w.id = r.worker_id
    where coalesce(w.lease_expires_at, r.claimed_at) < now() - $1::float8 * interval '1 millisecond'
    union all
    select 'slot_missing', d.limiter, null, d.id
    from due d where not exists (select from signalbox.slot s where s.limiter = d.limiter and s.job_id = d.id)
    union all
    select case when r.id is null then 'slot_unused' else 'slot_foreign' end, s.limiter, null, s.job_id
    from signalbox.slot s left join running r on r.id = s.job_id
    where not exists (select from due d where d.limiter = s.limiter and d.id = s.job_id)
    union all
    -- The job that was started last saw every other of its key: the others may have ended since, none has come.
    select 'limit_exceeded', 'key:' || k.limit_key, u.n || ' run, the limit is ' || k.limit_max, r.id
    from (select distinct on (r.limit_key) r.limit_key, r.limit_max from running r
          where r.limit_key is not null order by r.limit_key, r.claim_id desc, r.ord desc) as k
    join used u on u.limiter = 'key:' || k.limit_key
    join running r on r.limit_key = k.limit_key
    where u.n > k.limit_max
    union all
    select 'limit_exceeded', u.limiter, u.n || ' run, the limit is ' || g.max_running, s.job_id
    from signalbox.gate g
    join used u on u.limiter = g.kind || ':' || g.name
    join signalbox.slot s on s.limiter = u.limiter
    where u.n > g.max_running
    union all
    select 'wake_up_lost', 'key:' || h.limit_key,
           coalesce(u.n, 0) || ' run, ' || coalesce(o.n, 0) || ' may start, the limit is ' || h.limit_max, h.id
    from heads h
    left join used u on u.limiter = 'key:' || h.limit_key
    left join ready o on o.limit_key = h.limit_key
    where coalesce(u.n, 0) + coalesce(o.n, 0) < h.limit_max
      and not exists (select from signalbox.freed f where h.limit_key = any(f.keys))
    union all
    select 'tally_wrong', coalesce(l.queue || '/' || l.task, x.lane_id::text), x.detail, null
    from (
      select coalesce(c.lane_id, p.lane_id) as lane_id, n.name || ' is counted as ' || n.counted || ', there are '
             || n.present as detail
      from counted c full join present p on p.lane_id = c.lane_id
      cross join lateral (values
        ('live', coalesce(c.live, 0), coalesce(p.live, 0)),
        ('scheduled', coalesce(c.scheduled, 0), coalesce(p.scheduled, 0)),
        ('retrying', coalesce(c.retrying, 0), coalesce(p.retrying, 0)),
        ('processing', coalesce(c.processing, 0), coalesce(p.processing, 0)),
        ('succeeded', coalesce(c.succeeded, 0), coalesce(p.succeeded, 0)),
        ('failed', coalesce(c.failed, 0), coalesce(p.failed, 0)),
        ('cancelled', coalesce(c.cancelled, 0), coalesce(p.cancelled, 0))) as n(name, counted, present)
      where n.counted <> n.present) as x
    left join signalbox.lane l on l.id = x.lane_id
    union all
    -- A job that has only waited since it was enqueued may be in a state that its key does not name.
    select 'unique_key_stale', u.key, 'its job is ' || coalesce(s.status, 'gone'), u.job_id
    from signalbox.unique_key u
    left join lateral (
      select case when r.id is not null then 'processing' when j.hold = 'limited' then 'queued'
                  else coalesce(j.hold, 'queued') end as status,
             j.events is null and r.id is null as newborn
      from signalbox.job j left join running r on r.id = j.id where j.id = u.job_id
      union all
      select f.status, false from signalbox.finished f where f.id = u.job_id) as s on true
    where (u.until is null or u.until > now())
      and (s.status is null or not s.newborn and not s.status = any(u.states))
    union all
    select distinct 'events_broken', '', null, t.id from told t
    where t.seq is distinct from coalesce(t.seq_before, 0) + 1 and not (t.events = 200 and t.at = 2)
    union all
    select distinct 'attempt_went_back', '', null, t.id from told t where t.attempt < t.attempt_before)
  select code, subject, detail, count(*)::integer as count,
         coalesce((array_agg(job_id order by job_id) filter (where job_id is not null))[1:10], '{}') as job_ids
  from violation group by code, subject, detail order by code, subject, detail`;

/** `graceMs`: for how long a dead worker's jobs may wait for their rescue. */
export async function findViolations(db: Queryable, graceMs: number): Promise<ViolationRow[]> {
  return (await db.query<ViolationRow>(violationsSql, [graceMs])).rows;
}
