import type { Queryable } from '../../database/queryable.js';
import { canaryTaskName } from '../canary/canary.js';
import { type Job, type JobEvent, type JobLogLine, type JobStatus, jobStatuses } from '../job.js';
import { type EventRow, type JobRow, jobColumns, type LogRow, toEvent, toJob, toLogLine } from '../row.js';

// Primary keys of `job` and `finished`; the few claims are read for what runs.
const getSql = `
  select ${jobColumns} from signalbox.unfinished_jobs where id = any($1::uuid[])
  union all
  select ${jobColumns} from signalbox.ended_jobs where id = any($1::uuid[])`;

export async function findJobs(db: Queryable, ids: readonly string[]): Promise<Job[]> {
  return (await db.query<JobRow>(getSql, [ids])).rows.map(toJob);
}

export async function findJob(db: Queryable, id: string): Promise<Job | undefined> {
  return (await findJobs(db, [id]))[0];
}

const unfinishedSql = `select id from signalbox.job where id = any($1::uuid[])`;

/** Which of these jobs exist and have not ended. Primary keys. */
export async function unfinishedOf(db: Queryable, ids: readonly string[]): Promise<ReadonlySet<string>> {
  return new Set((await db.query<{ id: string }>(unfinishedSql, [ids])).rows.map(({ id }) => id));
}

/** Without canaries, unless their task is asked for. */
export interface JobFilter {
  readonly statuses?: readonly JobStatus[] | undefined;
  readonly task?: string | undefined;
  readonly queue?: string | undefined;
  readonly owner?: string | undefined;
  readonly tag?: string | undefined;
  /** Only jobs with a smaller id: the last one of the page before. */
  readonly before?: string | undefined;
  /** 1 to 200. */
  readonly limit: number;
}

const filters = `
  ($1::text[] is null or status = any($1))
    and case when $2::text is null then task <> '${canaryTaskName}' else task = $2 end
    and ($3::text is null or queue = $3)
    and ($4::text is null or owner = $4)
    and ($5::text is null or $5 = any(tags))
    and ($6::uuid is null or id < $6)
  order by id desc
  limit $7`;

// Newest first by the primary keys; with an owner, or a status other than succeeded, the partial indexes serve.
const listSql = `
  select * from (
    (select ${jobColumns} from signalbox.unfinished_jobs where $8::boolean and ${filters})
    union all
    (select ${jobColumns} from signalbox.ended_jobs where $9::boolean and ${filters})) as page
  order by id desc
  limit $7`;

export async function listJobs(db: Queryable, filter: JobFilter): Promise<Job[]> {
  const { statuses, task, queue, owner, tag, before, limit } = filter;
  const unfinished = statuses?.some((status) => !ended.includes(status)) ?? true;
  const finished = statuses?.some((status) => ended.includes(status)) ?? true;
  const values = [statuses, task, queue, owner, tag, before, limit, unfinished, finished];
  return (await db.query<JobRow>(listSql, values)).rows.map(toJob);
}

const ended: readonly JobStatus[] = ['succeeded', 'failed', 'cancelled'];

// The tally's few rows.
const countsSql = `
  select coalesce(sum(live), 0)::float8 as live, coalesce(sum(scheduled), 0)::float8 as scheduled,
         coalesce(sum(retrying), 0)::float8 as retrying, coalesce(sum(succeeded), 0)::float8 as succeeded,
         coalesce(sum(failed), 0)::float8 as failed, coalesce(sum(cancelled), 0)::float8 as cancelled,
         coalesce(sum(processing), 0)::float8 as processing
  from signalbox.tally
  where lane_id not in (select id from signalbox.lane where task = '${canaryTaskName}')`;

type CountsRow = Record<'live' | Exclude<JobStatus, 'queued' | 'blocked'>, number>;

/** Jobs by state, from the tally that every move adds to. Canaries are none of them. */
export async function countJobs(db: Queryable): Promise<Record<JobStatus, number>> {
  const row = (await db.query<CountsRow>(countsSql)).rows[0] as CountsRow;
  const { live, ...counts } = row;
  const queued = live - row.scheduled - row.retrying - row.processing;
  const all = { ...counts, queued: Math.max(queued, 0), blocked: 0 };
  return Object.fromEntries(jobStatuses.map((status) => [status, all[status]])) as Record<JobStatus, number>;
}

// One job by its primary key; its events are computed from it.
const eventsSql = `
  select e.event from (
    select case when r.job_id is null then signalbox.history(j) else signalbox.remember(signalbox.history(j),
             signalbox.begun(signalbox.history(j), j.runs + 1, r.claimed_at, r.worker_id)) end as events
    from signalbox.job j left join signalbox.running r on r.job_id = j.id and r.runs = j.runs where j.id = $1
    union all
    select signalbox.whole_history(f) from signalbox.finished f where f.id = $1) as h
  cross join lateral jsonb_array_elements(h.events) as e(event)
  where (e.event ->> 'seq')::integer > $2
  order by (e.event ->> 'seq')::integer
  limit $3`;

export async function listEvents(
  db: Queryable,
  id: string,
  after: number,
  limit: number,
): Promise<JobEvent[]> {
  const { rows } = await db.query<{ event: EventRow }>(eventsSql, [id, after, limit]);
  return rows.map(({ event }) => toEvent(id, event));
}

const logsSql = `
  select seq, at, attempt, level, message, data from signalbox.job_log
  where job_id = $1 and seq > $2 order by seq limit $3`;

export async function listLogs(
  db: Queryable,
  id: string,
  after: number,
  limit: number,
): Promise<JobLogLine[]> {
  return (await db.query<LogRow>(logsSql, [id, after, limit])).rows.map(toLogLine);
}
