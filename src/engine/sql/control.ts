import type { Queryable } from '../../database/queryable.js';
import type { Job } from '../job.js';
import { type JobRow, jobColumns, toJob } from '../row.js';

// One row by its primary key. A waiting job ends here; a running one is only asked to, its worker ends it.
const requestCancelSql = `
  update signalbox.job
  set status = case when status = 'processing' then status else 'cancelled' end,
      reason = case when status = 'processing' then reason else 'cancelled' end,
      finished_at = case when status = 'processing' then null else now() end,
      cancel_requested_at = coalesce(cancel_requested_at, now())
  where id = $1 and status in ('scheduled', 'blocked', 'queued', 'retrying', 'processing')
  returning ${jobColumns}`;

/** @returns `undefined` when there is no such job or it has ended */
export async function requestCancel(db: Queryable, id: string): Promise<Job | undefined> {
  const row = (await db.query<JobRow>(requestCancelSql, [id])).rows[0];
  return row && toJob(row);
}

// One row by its primary key. `attempt` stays: it is the fence against what an earlier run may still send.
const requeueSql = `
  update signalbox.job
  set status = 'queued', reason = 'retried', failures = 0, crashes = 0, error = null, result = null,
      progress = null, finished_at = null, cancel_requested_at = null, run_at = now()
  where id = $1 and status in ('failed', 'cancelled')
  returning ${jobColumns}`;

/** @returns `undefined` when there is no such job or it is neither failed nor cancelled */
export async function requeue(db: Queryable, id: string): Promise<Job | undefined> {
  const row = (await db.query<JobRow>(requeueSql, [id])).rows[0];
  return row && toJob(row);
}
