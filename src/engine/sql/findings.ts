import type { Queryable } from '../../database/queryable.js';
import { canaryTaskName } from '../canary/canary.js';

/** A task in a queue in which jobs wait to be claimed, neither of them paused. */
export interface WaitingLane {
  readonly queue: string;
  readonly task: string;
  readonly waiting: number;
  /** The one that is claimed next; `null` when all of them wait for a slot of their key. */
  readonly head: string | null;
  /** When the one that has waited longest became ready; `null` when that would take long to find. */
  readonly since: Date | null;
  /** Live workers that could run them, of which those that are about to stop are not, and their free slots. */
  readonly able: number;
  readonly free: number;
  /** Live workers of the queue that do not know the task. */
  readonly withoutTask: number;
  /** Workers that could run them and are about to stop. */
  readonly draining: number;
  /** Whether the limits and rates of queue and task have had room for some time. */
  readonly open: boolean;
}

// The tally's few rows, the worker rows and the claims; of each lane in which jobs wait the head by index `job_ready`.
const waitingSql = `
  with t as (
    select lane_id, sum(live) - sum(scheduled) - sum(retrying) - sum(processing) as waiting
    from signalbox.tally group by lane_id
    having sum(live) - sum(scheduled) - sum(retrying) - sum(processing) > 0),
  w as (
    select w.*, greatest(w.concurrency - coalesce(o.running, 0), 0) as free
    from signalbox.worker w left join signalbox.worker_load() o on o.worker_id = w.id
    where w.lease_expires_at > now())
  select l.queue, l.task, t.waiting::integer, h.job_id as head,
         to_timestamp(h.oldest / 1000000.0) as since, s.able::integer, s.free::integer,
         s.without_task::integer as "withoutTask", s.draining::integer,
         (q.name is null or coalesce(signalbox.room(q, now() - $1::float8 * interval '1 millisecond') > 0, true))
           and (g.name is null or coalesce(signalbox.room(g, now() - $1::float8 * interval '1 millisecond') > 0, true)) as open
  from t
  join signalbox.lane l on l.id = t.lane_id
  left join signalbox.gate q on q.kind = 'queue' and q.name = l.queue
  left join signalbox.gate g on g.kind = 'task' and g.name = l.task
  cross join lateral signalbox.head_of(l.id) as h
  cross join lateral (
    select count(*) filter (where w.status = 'running' and l.task = any(w.tasks)) as able,
           coalesce(sum(w.free) filter (where w.status = 'running' and l.task = any(w.tasks)), 0) as free,
           count(*) filter (where not l.task = any(w.tasks)) as without_task,
           count(*) filter (where w.status = 'draining' and l.task = any(w.tasks)) as draining
    from w where w.queues is null or l.queue = any(w.queues)) as s
  where q.paused_at is null and g.paused_at is null and l.task <> '${canaryTaskName}'
  order by l.queue, l.task`;

/** `roomMs`: for how long limits and rates must have had room to count as open. */
export async function waitingLanes(db: Queryable, roomMs: number): Promise<WaitingLane[]> {
  return (await db.query<WaitingLane>(waitingSql, [roomMs])).rows;
}

/** Jobs of one queue, of which something is wrong. */
export interface AilingJobs {
  readonly queue: string;
  readonly tasks: readonly string[];
  readonly jobs: number;
  readonly since: Date;
}

// The few claims. The leader rescues these within seconds: any that stay mean that nobody leads.
const orphanedSql = `
  select l.queue, array_agg(distinct l.task order by l.task) as tasks, count(*)::integer as jobs,
         min(coalesce(w.lease_expires_at, r.claimed_at)) as since
  from signalbox.running_jobs() r
  join signalbox.lane l on l.id = r.lane_id and l.task <> '${canaryTaskName}'
  left join signalbox.worker w on w.id = r.worker_id
  where coalesce(w.lease_expires_at, r.claimed_at) <= now() - $1::float8 * interval '1 millisecond'
  group by l.queue order by l.queue`;

/** Queues with jobs whose worker has been dead for longer than `graceMs`. */
export async function orphanedJobs(db: Queryable, graceMs: number): Promise<AilingJobs[]> {
  return (await db.query<AilingJobs>(orphanedSql, [graceMs])).rows;
}

// The few claims. The leader takes these away: any that stay mean that nobody leads, or that it cannot.
const overrunSql = `
  select l.queue, array_agg(distinct l.task order by l.task) as tasks, count(*)::integer as jobs,
         min(r.claimed_at + r.timeout_ms * interval '1 millisecond') as since
  from signalbox.running_jobs() r
  join signalbox.lane l on l.id = r.lane_id and l.task <> '${canaryTaskName}'
  where r.claimed_at + (r.timeout_ms + $1::float8) * interval '1 millisecond' <= now()
    and exists (select from signalbox.worker w where w.id = r.worker_id and w.lease_expires_at > now())
  group by l.queue order by l.queue`;

/** Queues with attempts of live workers that are over their time by more than `graceMs`. */
export async function overrunJobs(db: Queryable, graceMs: number): Promise<AilingJobs[]> {
  return (await db.query<AilingJobs>(overrunSql, [graceMs])).rows;
}

// Index `job_due`, up to 1,000 of them.
const lateSql = `
  select l.queue, array_agg(distinct l.task order by l.task) as tasks, count(*)::integer as jobs, min(n.run_at) as since
  from signalbox.not_promoted(now() - $1::float8 * interval '1 millisecond', 1000) n
  join signalbox.lane l on l.id = n.lane_id
  where not exists (select from signalbox.gate g where g.paused_at is not null
    and (g.kind = 'queue' and g.name = l.queue or g.kind = 'task' and g.name = l.task))
  group by l.queue order by l.queue`;

/** Queues with jobs whose time came more than `graceMs` ago and that nobody has queued; counted up to 1,000. */
export async function lateJobs(db: Queryable, graceMs: number): Promise<AilingJobs[]> {
  return (await db.query<AilingJobs>(lateSql, [graceMs])).rows;
}

/** Who leads, and whether anything needs it. */
export interface Leadership {
  /** When the last lease ended or will end; `null`: there is none, as after an orderly stop. */
  readonly leaseUntil: Date | null;
  readonly now: Date;
  /** Jobs that have not ended. */
  readonly jobs: number;
  readonly schedules: number;
}

// A row or two, the tally, and the schedules that do not rest by index `schedule_due`.
const leadershipSql = `
  select (select max(lease_expires_at) from signalbox.leader where name = 'housekeeping') as "leaseUntil", now() as now,
         coalesce((select sum(live) from signalbox.tally), 0)::float8 as jobs,
         (select count(*)::integer from signalbox.schedule where due_at is not null) as schedules`;

export async function readLeadership(db: Queryable): Promise<Leadership> {
  return (await db.query<Leadership>(leadershipSql)).rows[0] as Leadership;
}

/** A schedule that does not fire. */
export interface AilingSchedule {
  readonly name: string;
  readonly task: string;
  readonly since: Date;
  /** Tries since the last success; 0: nobody tries. */
  readonly failures: number;
  readonly error: string | null;
}

// Index `schedule_due`: those that do not rest.
const schedulesSql = `
  select name, task, case when failures > 0 then coalesce(last_error_at, due_at) else due_at end as since, failures,
         case when failures > 0 then last_error end as error
  from signalbox.schedule
  where due_at is not null and (failures > 1 or due_at <= now() - $1::float8 * interval '1 millisecond')
  order by name limit 100`;

/** Schedules that failed more than once in a row, or that nobody has looked at for `graceMs` after they were due. */
export async function ailingSchedules(db: Queryable, graceMs: number): Promise<AilingSchedule[]> {
  return (await db.query<AilingSchedule>(schedulesSql, [graceMs])).rows;
}
