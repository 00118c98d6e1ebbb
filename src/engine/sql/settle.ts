import type { Queryable } from '../../database/queryable.js';
import type { JobError, JobReason } from '../job.js';

/** The fence: what an outcome must still match. When it does not, the attempt was taken away and nothing changes. */
export interface Fence {
  readonly jobId: string;
  readonly attempt: number;
  readonly workerId: string;
}

/** How an attempt ended. */
export type Outcome =
  | { readonly kind: 'succeeded'; readonly resultJson: string }
  | { readonly kind: 'failed'; readonly reason: JobReason; readonly error: JobError }
  | {
      readonly kind: 'retrying';
      readonly reason: JobReason;
      readonly error: JobError;
      readonly delayMs: number;
    }
  | { readonly kind: 'snoozed'; readonly delayMs: number; readonly message: string }
  | { readonly kind: 'cancelled' }
  | { readonly kind: 'released' };

const fence = `id = $1 and attempt = $2 and worker_id = $3 and status = 'processing'`;

// Each touches one row by its primary key, and only while the fence holds.
const failSql = `
  update signalbox.job
  set status = 'failed', reason = $4, error = $5::jsonb, failures = failures + 1, worker_id = null, finished_at = now()
  where ${fence}`;
const retrySql = `
  update signalbox.job
  set status = 'retrying', reason = $4, error = $5::jsonb, failures = failures + 1, worker_id = null,
      run_at = now() + $6::float8 * interval '1 millisecond'
  where ${fence}`;
const snoozeSql = `
  update signalbox.job
  set status = 'scheduled', reason = 'snoozed', worker_id = null,
      progress = jsonb_build_object('fraction', coalesce((progress->>'fraction')::float8, 0), 'message', $5::text),
      run_at = now() + $4::float8 * interval '1 millisecond'
  where ${fence}`;
const cancelSql = `
  update signalbox.job
  set status = 'cancelled', reason = 'cancelled', worker_id = null, finished_at = now()
  where ${fence}`;
const releaseSql = `
  update signalbox.job set status = 'queued', reason = 'released', worker_id = null where ${fence}`;

/**
 * Records an outcome.
 * @returns false when the fence no longer holds: the outcome is late and was dropped
 */
export async function settle(
  db: Queryable,
  at: Fence,
  outcome: Exclude<Outcome, { kind: 'succeeded' }>,
): Promise<boolean> {
  const key = [at.jobId, at.attempt, at.workerId];
  const [text, values] = statementFor(outcome);
  return (await db.query(text, [...key, ...values])).rowCount === 1;
}

function statementFor(outcome: Exclude<Outcome, { kind: 'succeeded' }>): [string, unknown[]] {
  switch (outcome.kind) {
    case 'failed':
      return [failSql, [outcome.reason, JSON.stringify(outcome.error)]];
    case 'retrying':
      return [retrySql, [outcome.reason, JSON.stringify(outcome.error), outcome.delayMs]];
    case 'snoozed':
      return [snoozeSql, [outcome.delayMs, outcome.message]];
    case 'cancelled':
      return [cancelSql, []];
    case 'released':
      return [releaseSql, []];
    default:
      return outcome satisfies never;
  }
}

// Rows by primary key, each behind its own fence; in the order of the ids, so that two batches never wait for each other.
const succeedManySql = `
  with done as (
    select j.id, d.result from signalbox.job j
    join jsonb_to_recordset($1::jsonb) as d(id uuid, attempt integer, worker_id uuid, result jsonb)
      on j.id = d.id and j.attempt = d.attempt and j.worker_id = d.worker_id
    where j.status = 'processing'
    order by j.id
    for update of j)
  update signalbox.job j
  set status = 'succeeded', reason = null, result = coalesce(done.result, 'null'), error = null, worker_id = null,
      finished_at = now()
  from done where j.id = done.id
  returning j.id`;

export interface Success {
  readonly at: Fence;
  readonly resultJson: string;
}

/** Records many results at once. @returns for each whether its fence still held */
export async function succeedMany(db: Queryable, successes: readonly Success[]): Promise<boolean[]> {
  const rows = successes.map(
    ({ at, resultJson }) =>
      `{"id":"${at.jobId}","attempt":${at.attempt},"worker_id":"${at.workerId}","result":${resultJson}}`,
  );
  const { rows: recorded } = await db.query<{ id: string }>(succeedManySql, [`[${rows.join(',')}]`]);
  const ids = new Set(recorded.map(({ id }) => id));
  return successes.map(({ at }) => ids.has(at.jobId));
}

const progressSql = `update signalbox.job set progress = $4::jsonb where ${fence}`;

/** @returns false when the attempt was taken away */
export async function saveProgress(
  db: Queryable,
  at: Fence,
  progress: { fraction: number; message: string | null },
): Promise<boolean> {
  const values = [at.jobId, at.attempt, at.workerId, JSON.stringify(progress)];
  return (await db.query(progressSql, values)).rowCount === 1;
}

export interface NewLogLine {
  readonly seq: number;
  readonly at: Date;
  readonly level: string;
  readonly message: string;
  readonly data: unknown;
}

// The attempt number is the high part of `seq`, so that lines of two attempts never collide.
const insertLogsSql = `
  insert into signalbox.job_log (job_id, seq, at, attempt, level, message, data)
  select $1, n.seq, n.at, $2, n.level, n.message, n.data
  from jsonb_to_recordset($3::jsonb) as n(seq integer, at timestamptz, level text, message text, data jsonb)
  on conflict (job_id, seq) do nothing`;

export async function insertLogs(
  db: Queryable,
  at: Pick<Fence, 'jobId' | 'attempt'>,
  lines: readonly NewLogLine[],
): Promise<void> {
  await db.query(insertLogsSql, [at.jobId, at.attempt, JSON.stringify(lines)]);
}
