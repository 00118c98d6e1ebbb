import type { Queryable } from '../../database/queryable.js';
import type { Job } from '../job.js';
import { type JobRow, jobColumnsOfJ, toJob } from '../row.js';

export interface ClaimOptions {
  readonly workerId: string;
  /** `null`: every queue. */
  readonly queues: readonly string[] | null;
  readonly tasks: readonly string[];
  readonly limit: number;
}

// Row locks on the claimed jobs only, others are skipped; index `job_claim` gives the order.
// A worker whose lease has ended claims nothing, so a process that was frozen cannot take work it may lose.
const claimJobsSql = `
  with next as (
    select id from signalbox.job
    where status = 'queued'
      and ($2::text[] is null or queue = any($2))
      and task = any($3)
      and exists (select 1 from signalbox.worker
                  where id = $1 and status = 'running' and lease_expires_at > now())
    order by priority, run_at, id
    limit $4
    for update skip locked)
  update signalbox.job j
  set status = 'processing', reason = null, worker_id = $1, attempt = j.attempt + 1, progress = null,
      started_at = now(), cancel_requested_at = null
  from next
  where j.id = next.id
  returning ${jobColumnsOfJ}`;

export async function claimJobs(db: Queryable, options: ClaimOptions): Promise<Job[]> {
  const values = [options.workerId, options.queues, options.tasks, options.limit];
  const result = await db.query<JobRow>(claimJobsSql, values);
  return result.rows.map(toJob).sort((a, b) => a.priority - b.priority || (a.id < b.id ? -1 : 1));
}

// Row locks on at most `limit` due jobs, others are skipped: any process may do it at any time. Index `job_due`.
const promoteDueSql = `
  with due as (
    select id from signalbox.job
    where status in ('scheduled', 'retrying') and run_at <= now()
    order by run_at
    limit $1
    for update skip locked)
  update signalbox.job j set status = 'queued', reason = null from due where j.id = due.id`;

/** Moves jobs whose time has come to `queued`. @returns how many */
export async function promoteDue(db: Queryable, limit: number): Promise<number> {
  return (await db.query(promoteDueSql, [limit])).rowCount ?? 0;
}

const nextDueSql = `
  select extract(epoch from min(run_at) - now()) * 1000 as ms
  from signalbox.job where status in ('scheduled', 'retrying')`;

/** Milliseconds until the next job is due, negative when overdue; `undefined` when there is none. */
export async function msUntilNextDue(db: Queryable): Promise<number | undefined> {
  const { rows } = await db.query<{ ms: string | null }>(nextDueSql);
  const ms = rows[0]?.ms;
  return ms === null || ms === undefined ? undefined : Number(ms);
}
