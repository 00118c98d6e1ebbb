import type { Queryable } from '../../database/queryable.js';
import type { JobStatus } from '../job.js';

/** The jobs of one task in one queue. */
export interface LaneCounts {
  readonly queue: string;
  readonly task: string;
  /** Ended ones: those that are still kept. */
  readonly counts: Readonly<Record<Exclude<JobStatus, 'blocked'>, number>>;
  /**
   * How long the job that could have been claimed first has been ready. `null`: none is. Jobs put aside for their
   * concurrency key are not looked at.
   */
  readonly oldestWaitingMs: number | null;
}

// The tally's few rows; the function reads one row of `job` for each lane and priority that waits, and what runs.
const lanesSql = `
  with total as (
    select lane_id, sum(live)::float8 as live, sum(scheduled)::float8 as scheduled, sum(retrying)::float8 as retrying,
           sum(processing)::float8 as processing, sum(succeeded)::float8 as succeeded, sum(failed)::float8 as failed,
           sum(cancelled)::float8 as cancelled
    from signalbox.tally group by lane_id)
  select l.queue, l.task, coalesce(t.live, 0) as live, coalesce(t.scheduled, 0) as scheduled,
         coalesce(t.retrying, 0) as retrying, coalesce(t.processing, 0) as processing,
         coalesce(t.succeeded, 0) as succeeded, coalesce(t.failed, 0) as failed, coalesce(t.cancelled, 0) as cancelled,
         case when o.place is not null
              then greatest(signalbox.place_of(clock_timestamp()) - o.place, 0)::float8 / 1000 end as oldest_ms
  from signalbox.lane l
  left join total t on t.lane_id = l.id
  left join signalbox.oldest_ready() o on o.lane_id = l.id
  order by l.queue, l.task`;

type LaneRow = {
  readonly queue: string;
  readonly task: string;
  readonly oldest_ms: number | null;
} & Readonly<
  Record<'live' | 'scheduled' | 'retrying' | 'processing' | 'succeeded' | 'failed' | 'cancelled', number>
>;

/** Every lane that was ever used, by queue and task. */
export async function countLanes(db: Queryable): Promise<LaneCounts[]> {
  return (await db.query<LaneRow>(lanesSql)).rows.map(({ queue, task, live, oldest_ms, ...counts }) => {
    const queued = Math.max(live - counts.scheduled - counts.retrying - counts.processing, 0);
    return Object.freeze({ queue, task, counts: { queued, ...counts }, oldestWaitingMs: oldest_ms });
  });
}

/** A job that a worker has claimed. */
export interface ClaimedInfo {
  readonly id: string;
  readonly task: string;
  readonly queue: string;
  readonly workerId: string;
  readonly attempt: number;
  readonly claimedAt: Date;
}

// The few claims, and the primary key of `job`.
const claimedSql = `
  select r.job_id as id, l.task, l.queue, c.worker_id as "workerId", j.runs + 1 as attempt, c.claimed_at as "claimedAt"
  from signalbox.claim c cross join lateral unnest(c.job_ids, c.runs) with ordinality as r(job_id, runs, nr)
  join signalbox.job j on j.id = r.job_id and j.runs = r.runs
  join signalbox.lane l on l.id = j.lane_id
  order by c.id, r.nr
  limit $1`;

/** What the workers have, in the order in which they took it. */
export async function listClaimed(db: Queryable, limit: number): Promise<ClaimedInfo[]> {
  return (await db.query<ClaimedInfo>(claimedSql, [limit])).rows;
}

/** A job that waits for its time. */
export interface ComingInfo {
  readonly id: string;
  readonly task: string;
  readonly queue: string;
  readonly status: 'scheduled' | 'retrying';
  /** Attempts so far. */
  readonly attempt: number;
  readonly runAt: Date;
}

// Index `job_due`, from its beginning.
const comingSql = `
  select j.id, l.task, l.queue, j.hold as status, j.runs as attempt, j.run_at as "runAt"
  from signalbox.job j join signalbox.lane l on l.id = j.lane_id
  where j.hold in ('scheduled', 'retrying')
  order by j.run_at
  limit $1`;

/** The next ones, the soonest first. */
export async function listComing(db: Queryable, limit: number): Promise<ComingInfo[]> {
  return (await db.query<ComingInfo>(comingSql, [limit])).rows;
}

/** How a task fared in a sample of the newest ended jobs of all tasks. */
export interface TaskSample {
  readonly task: string;
  /** Jobs of it in the sample that succeeded or failed. */
  readonly judged: number;
  /** Of these, those that succeeded; only they are timed. */
  readonly succeeded: number;
  /** Length of the last attempt of those that succeeded, milliseconds. `null`: none did. */
  readonly meanMs: number | null;
  readonly p95Ms: number | null;
  /** End of the oldest of them. */
  readonly since: Date;
}

// The last rows by the primary key: a bounded read, however many are kept.
const sampleSql = `
  with newest as (select lane_id, status, started_at, finished_at from signalbox.finished order by id desc limit $1),
  timed as (
    select l.task, n.status, n.finished_at,
           case when n.status = 'succeeded' then extract(epoch from n.finished_at - n.started_at) * 1000 end as ms
    from newest n join signalbox.lane l on l.id = n.lane_id where n.status <> 'cancelled')
  select task, count(*)::integer as judged, (count(*) filter (where status = 'succeeded'))::integer as succeeded,
         avg(ms)::float8 as "meanMs", percentile_cont(0.95) within group (order by ms)::float8 as "p95Ms",
         min(finished_at) as since
  from timed group by task order by task`;

export async function sampleEnded(db: Queryable, limit: number): Promise<TaskSample[]> {
  return (await db.query<TaskSample>(sampleSql, [limit])).rows;
}
