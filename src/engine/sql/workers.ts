import type { Queryable } from '../../database/queryable.js';
import type { WorkerInfo } from '../job.js';
import { toWorker, type WorkerRow } from '../row.js';

export interface WorkerRegistration {
  readonly id: string;
  readonly hostname: string;
  readonly pid: number;
  readonly queues: readonly string[] | null;
  readonly tasks: readonly string[];
  readonly concurrency: number;
  readonly leaseMs: number;
}

const registerSql = `
  insert into signalbox.worker (id, hostname, pid, queues, tasks, concurrency, lease_expires_at)
  values ($1, $2, $3, $4, $5, $6, now() + $7::float8 * interval '1 millisecond')`;

export async function registerWorker(db: Queryable, worker: WorkerRegistration): Promise<void> {
  const { id, hostname, pid, queues, tasks, concurrency, leaseMs } = worker;
  await db.query(registerSql, [id, hostname, pid, queues, tasks, concurrency, leaseMs]);
}

// One row by its primary key. An expired lease is never renewed: somebody may already have taken the jobs.
const renewSql = `
  update signalbox.worker
  set heartbeat_at = now(), lease_expires_at = now() + $2::float8 * interval '1 millisecond'
  where id = $1 and lease_expires_at > now()`;

/** @returns false when the lease is lost for good */
export async function renewLease(db: Queryable, workerId: string, leaseMs: number): Promise<boolean> {
  return (await db.query(renewSql, [workerId, leaseMs])).rowCount === 1;
}

const drainSql = `update signalbox.worker set status = 'draining' where id = $1`;

export async function markDraining(db: Queryable, workerId: string): Promise<void> {
  await db.query(drainSql, [workerId]);
}

const removeSql = `delete from signalbox.worker where id = $1`;

export async function removeWorker(db: Queryable, workerId: string): Promise<void> {
  await db.query(removeSql, [workerId]);
}

// Reads the few worker rows, and index `job_processing` for the counts.
const listSql = `
  select w.id, w.hostname, w.pid, w.queues, w.tasks, w.concurrency, w.status, w.started_at, w.heartbeat_at,
         w.lease_expires_at > now() as live,
         (select count(*)::integer from signalbox.job j
          where j.status = 'processing' and j.worker_id = w.id) as running
  from signalbox.worker w
  order by w.started_at, w.id`;

export async function listWorkers(db: Queryable): Promise<WorkerInfo[]> {
  return (await db.query<WorkerRow>(listSql)).rows.map(toWorker);
}

const cancelledOfSql = `
  select id from signalbox.job
  where status = 'processing' and worker_id = $1 and cancel_requested_at is not null`;

/** Jobs this worker runs that somebody wants cancelled. Index `job_processing`. */
export async function cancelRequests(db: Queryable, workerId: string): Promise<string[]> {
  return (await db.query<{ id: string }>(cancelledOfSql, [workerId])).rows.map((row) => row.id);
}

// Index `job_processing`. Must not run while a claim of this worker is under way: its jobs are not known yet.
const releaseForgottenSql = `
  update signalbox.job set status = 'queued', reason = 'released', worker_id = null
  where status = 'processing' and worker_id = $1 and not (id = any($2))`;

/**
 * Gives back jobs that the database says this worker runs and the worker does not know: the answer to
 * their claim was lost. Nobody else would ever free them, because the worker is alive. @returns how many
 */
export async function releaseForgotten(
  db: Queryable,
  workerId: string,
  known: readonly string[],
): Promise<number> {
  return (await db.query(releaseForgottenSql, [workerId, known])).rowCount ?? 0;
}
