import type { Queryable } from '../../database/queryable.js';
import { type Job, type JobEvent, type JobLogLine, type JobStatus, jobStatuses } from '../job.js';
import { type EventRow, type JobRow, jobColumns, type LogRow, toEvent, toJob, toLogLine } from '../row.js';

const getSql = `select ${jobColumns} from signalbox.job where id = $1`;

export async function findJob(db: Queryable, id: string): Promise<Job | undefined> {
  const row = (await db.query<JobRow>(getSql, [id])).rows[0];
  return row && toJob(row);
}

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

// Newest first by the primary key; with a status or an owner the indexes `job_by_status`, `job_by_owner` serve.
const listSql = `
  select ${jobColumns} from signalbox.job
  where ($1::text[] is null or status = any($1))
    and ($2::text is null or task = $2)
    and ($3::text is null or queue = $3)
    and ($4::text is null or owner = $4)
    and ($5::text is null or $5 = any(tags))
    and ($6::uuid is null or id < $6)
  order by id desc
  limit $7`;

export async function listJobs(db: Queryable, filter: JobFilter): Promise<Job[]> {
  const { statuses, task, queue, owner, tag, before, limit } = filter;
  const result = await db.query<JobRow>(listSql, [statuses, task, queue, owner, tag, before, limit]);
  return result.rows.map(toJob);
}

// Reads index `job_by_status` only.
const countsSql = `select status, count(*)::integer as n from signalbox.job group by status`;

/** Jobs by state; a state without jobs is 0, because the database was asked and said so. */
export async function countJobs(db: Queryable): Promise<Record<JobStatus, number>> {
  const { rows } = await db.query<{ status: JobStatus; n: number }>(countsSql);
  const found = new Map(rows.map((row) => [row.status, row.n]));
  return Object.fromEntries(jobStatuses.map((s) => [s, found.get(s) ?? 0])) as Record<JobStatus, number>;
}

const eventsSql = `
  select job_id, seq, at, type, attempt, data from signalbox.job_event
  where job_id = $1 and seq > $2 order by seq limit $3`;

export async function listEvents(
  db: Queryable,
  id: string,
  after: number,
  limit: number,
): Promise<JobEvent[]> {
  return (await db.query<EventRow>(eventsSql, [id, after, limit])).rows.map(toEvent);
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
