import type { Queryable } from '../../database/queryable.js';

export interface LaneCount {
  readonly queue: string;
  readonly task: string;
  /** Jobs that have not ended; those that are queued are what the other states leave of them. */
  readonly live: number;
  readonly scheduled: number;
  readonly retrying: number;
  readonly processing: number;
  readonly succeeded: number;
  readonly failed: number;
  readonly cancelled: number;
  /** Live workers that serve the queue, know the task and take jobs. */
  readonly able: number;
}

// The lanes, the tally's few rows, and the workers, those that serve the same taken together.
const lanesSql = `
  with able as (
    select w.queues, w.tasks, count(*) as n from signalbox.worker w
    where w.lease_expires_at > now() and w.status = 'running' group by w.queues, w.tasks),
  counts as (
    select t.lane_id, sum(t.live) as live, sum(t.scheduled) as scheduled, sum(t.retrying) as retrying,
           sum(t.processing) as processing, sum(t.succeeded) as succeeded, sum(t.failed) as failed,
           sum(t.cancelled) as cancelled
    from signalbox.tally t group by t.lane_id)
  select l.queue, l.task, coalesce(c.live, 0)::float8 as live, coalesce(c.scheduled, 0)::float8 as scheduled,
         coalesce(c.retrying, 0)::float8 as retrying, coalesce(c.processing, 0)::float8 as processing,
         coalesce(c.succeeded, 0)::float8 as succeeded, coalesce(c.failed, 0)::float8 as failed,
         coalesce(c.cancelled, 0)::float8 as cancelled,
         (select coalesce(sum(a.n), 0)::integer from able a
          where (a.queues is null or l.queue = any(a.queues)) and l.task = any(a.tasks)) as able
  from signalbox.lane l left join counts c on c.lane_id = l.id
  order by l.queue, l.task`;

export async function countLanes(db: Queryable): Promise<LaneCount[]> {
  return (await db.query<LaneCount>(lanesSql)).rows;
}

// The workers, those that serve the same taken together, and the lanes.
const servingSql = `
  select q.queue, coalesce(sum(a.n), 0)::integer as workers
  from (select l.queue, array_agg(l.task) as tasks from signalbox.lane l group by l.queue) as q
  left join (
    select w.queues, w.tasks, count(*) as n from signalbox.worker w
    where w.lease_expires_at > now() and w.status = 'running' group by w.queues, w.tasks) as a
  on (a.queues is null or q.queue = any(a.queues)) and a.tasks && q.tasks
  group by q.queue`;

/** Live workers that take jobs of each queue: of at least one task in it. */
export async function countServing(db: Queryable): Promise<{ queue: string; workers: number }[]> {
  return (await db.query<{ queue: string; workers: number }>(servingSql)).rows;
}

export interface QueueAges {
  readonly queue: string;
  readonly waiting_ms: number | null;
  readonly running_ms: number | null;
  readonly overrun_ms: number | null;
}

// The first job of each lane and priority, and the few claims. The function is in the migrations.
const agesSql = `select queue, waiting_ms, running_ms, overrun_ms from signalbox.queue_ages()`;

export async function readQueueAges(db: Queryable): Promise<QueueAges[]> {
  return (await db.query<QueueAges>(agesSql)).rows;
}

export interface ScheduleState {
  readonly name: string;
  readonly next_slot: Date | null;
  readonly succeeded_at: Date | null;
  readonly failures: number;
}

// The few schedules; for each its newest hundred firings by their key, until one is found whose job succeeded.
const schedulesSql = `
  select s.name, case when s.enabled and not s.paused then s.next_slot end as next_slot, s.failures,
         (select f.finished_at
          from (select g.slot, g.job_id from signalbox.schedule_firing g
                where g.schedule = s.name order by g.slot desc limit 100) as g
          join signalbox.finished f on f.id = g.job_id and f.status = 'succeeded'
          order by g.slot desc limit 1) as succeeded_at
  from signalbox.schedule s where s.enabled order by s.name limit 1000`;

export async function readSchedules(db: Queryable): Promise<ScheduleState[]> {
  return (await db.query<ScheduleState>(schedulesSql)).rows;
}
