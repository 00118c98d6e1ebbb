import type { Queryable } from '../../database/queryable.js';

/** What the database knows that may keep one job waiting. */
export interface WaitFacts {
  /** Live workers that take jobs from this queue and know this task. */
  readonly able: number;
  /** Their slots, and how many of these are taken. */
  readonly slots: number;
  readonly busy: number;
  /** Live workers of this queue that do not know the task. */
  readonly withoutTask: number;
  /** Live workers that know the task but do not serve the queue. */
  readonly withoutQueue: number;
  /** Workers that know both but are about to stop. */
  readonly draining: number;
  /** Queued jobs of this queue that are claimed before this one; counted up to 1,000. */
  readonly ahead: number;
  /** Whether the time to start has come, by the database's clock. */
  readonly due: boolean;
  /** Whether the worker that holds the job has a valid lease. */
  readonly holderLive: boolean;
}

// A handful of worker rows, index `job_processing` for the load, index `job_claim` for what is ahead.
const factsSql = `
  with j as (select * from signalbox.job where id = $1),
  w as (
    select w.status, w.concurrency,
           (w.queues is null or j.queue = any(w.queues)) as serves, j.task = any(w.tasks) as knows,
           (select count(*) from signalbox.job r where r.status = 'processing' and r.worker_id = w.id) as running
    from signalbox.worker w, j where w.lease_expires_at > now())
  select
    count(*) filter (where serves and knows and status = 'running')::integer as able,
    coalesce(sum(concurrency) filter (where serves and knows and status = 'running'), 0)::integer as slots,
    coalesce(sum(running) filter (where serves and knows and status = 'running'), 0)::integer as busy,
    count(*) filter (where serves and not knows)::integer as without_task,
    count(*) filter (where knows and not serves)::integer as without_queue,
    count(*) filter (where serves and knows and status = 'draining')::integer as draining,
    (select count(*)::integer from (
       select 1 from signalbox.job q, j
       where q.status = 'queued' and q.queue = j.queue
         and (q.priority, q.run_at, q.id) < (j.priority, j.run_at, j.id)
       limit 1000) as first) as ahead,
    (select run_at <= now() from j) as due,
    exists (select 1 from signalbox.worker h, j where h.id = j.worker_id and h.lease_expires_at > now()) as holder_live
  from w`;

interface FactsRow {
  able: number;
  slots: number;
  busy: number;
  without_task: number;
  without_queue: number;
  draining: number;
  ahead: number;
  due: boolean | null;
  holder_live: boolean;
}

export async function readWaitFacts(db: Queryable, jobId: string): Promise<WaitFacts> {
  const row = (await db.query<FactsRow>(factsSql, [jobId])).rows[0] as FactsRow;
  const { without_task: withoutTask, without_queue: withoutQueue, holder_live: holderLive, ...rest } = row;
  return Object.freeze({ ...rest, due: row.due ?? false, withoutTask, withoutQueue, holderLive });
}

export interface UnservedRow {
  readonly queue: string;
  readonly tasks: string[];
  readonly waiting: number;
  readonly oldest_ms: number;
}

// Index `job_claim` and `job_due`: reads every job that should run now, so it grows with the backlog.
const unservedSql = `
  select j.queue, array_agg(distinct j.task order by j.task) as tasks, count(*)::integer as waiting,
         (extract(epoch from now() - min(j.run_at)) * 1000)::float8 as oldest_ms
  from signalbox.job j
  where (j.status = 'queued' or (j.status in ('scheduled', 'retrying') and j.run_at <= now()))
    and not exists (
      select 1 from signalbox.worker w
      where w.lease_expires_at > now() and w.status = 'running'
        and (w.queues is null or j.queue = any(w.queues)) and j.task = any(w.tasks))
  group by j.queue
  order by j.queue`;

/** Queues with work that is due and that no live worker can do. */
export async function unservedQueues(db: Queryable): Promise<UnservedRow[]> {
  return (await db.query<UnservedRow>(unservedSql)).rows;
}

// Index `job_processing`. The leader rescues these within seconds: any that stay mean that nobody leads.
const orphanedSql = `
  select j.queue, array_agg(distinct j.task order by j.task) as tasks, count(*)::integer as waiting,
         (extract(epoch from now() - min(coalesce(w.heartbeat_at, j.started_at))) * 1000)::float8 as oldest_ms
  from signalbox.job j left join signalbox.worker w on w.id = j.worker_id
  where j.status = 'processing' and (w.id is null or w.lease_expires_at <= now() - $1::float8 * interval '1 millisecond')
  group by j.queue
  order by j.queue`;

/** Queues with jobs whose worker has been dead for longer than `graceMs`. */
export async function orphanedQueues(db: Queryable, graceMs: number): Promise<UnservedRow[]> {
  return (await db.query<UnservedRow>(orphanedSql, [graceMs])).rows;
}
