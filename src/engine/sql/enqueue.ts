import type { Queryable } from '../../database/queryable.js';
import type { Job } from '../job.js';
import { type JobRow, jobColumns, toJob } from '../row.js';

/** One job to insert. `runAt` null means now. */
export interface NewJob {
  readonly id: string;
  readonly task: string;
  readonly queue: string;
  readonly priority: number;
  readonly input: unknown;
  readonly maxAttempts: number;
  readonly timeoutMs: number;
  readonly runAt: Date | null;
  readonly owner: string | null;
  readonly tags: readonly string[];
  readonly traceParent: string | null;
}

// No lock; one round trip for any number of jobs. The database decides whether `run_at` is in the future.
const insertJobsSql = `
  insert into signalbox.job
    (id, task, queue, priority, input, max_attempts, timeout_ms, owner, tags, trace_parent, run_at, status)
  select n.id, n.task, n.queue, n.priority, coalesce(n.input, 'null'), n.max_attempts, n.timeout_ms, n.owner, coalesce(n.tags, '{}'),
         n.trace_parent, coalesce(n.run_at, now()),
         case when n.run_at > now() then 'scheduled' else 'queued' end
  from jsonb_to_recordset($1::jsonb) as n(
    id uuid, task text, queue text, priority smallint, input jsonb, max_attempts integer,
    timeout_ms integer, owner text, tags text[], trace_parent text, run_at timestamptz)
  returning ${jobColumns}`;

/** All or none. The answer has the order of `jobs`. */
export async function insertJobs(db: Queryable, jobs: readonly NewJob[]): Promise<Job[]> {
  const rows = jobs.map((job) => ({
    id: job.id,
    task: job.task,
    queue: job.queue,
    priority: job.priority,
    input: job.input,
    max_attempts: job.maxAttempts,
    timeout_ms: job.timeoutMs,
    owner: job.owner,
    tags: job.tags,
    trace_parent: job.traceParent,
    run_at: job.runAt,
  }));
  const result = await db.query<JobRow>(insertJobsSql, [JSON.stringify(rows)]);
  const byId = new Map(result.rows.map((row) => [row.id, toJob(row)]));
  return jobs.map(({ id }) => byId.get(id) as Job);
}
