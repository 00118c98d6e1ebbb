import type { Queryable } from '../../database/queryable.js';
import { canaryTaskName } from '../canary/canary.js';
import type { WorkerInfo } from '../job.js';
import { toWorker, type WorkerRow } from '../row.js';

export interface WorkerRegistration {
  readonly id: string;
  readonly hostname: string;
  readonly pid: number;
  readonly queues: readonly string[] | null;
  readonly tasks: readonly string[];
  readonly concurrency: number;
  readonly draining?: boolean;
  readonly leaseMs: number;
}

const registerSql = `
  insert into signalbox.worker (id, hostname, pid, queues, tasks, concurrency, lease_expires_at, status)
  values ($1, $2, $3, $4, $5, $6, now() + $7::float8 * interval '1 millisecond',
          case when $8 then 'draining' else 'running' end)`;

export async function registerWorker(db: Queryable, worker: WorkerRegistration): Promise<void> {
  const { id, hostname, pid, queues, tasks, concurrency, leaseMs, draining = false } = worker;
  await db.query(registerSql, [id, hostname, pid, queues, tasks, concurrency, leaseMs, draining]);
}

// One row by its primary key. An expired lease is never renewed: somebody may already have taken the jobs.
const renewSql = `
  update signalbox.worker
  set heartbeat_at = now(), lease_expires_at = now() + $2::float8 * interval '1 millisecond'
  where id = $1 and lease_expires_at > clock_timestamp()`;

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

// Reads the few worker rows, and their claims for the counts.
const listSql = `
  select id, hostname, pid, queues, array_remove(tasks, '${canaryTaskName}') as tasks, concurrency, status, started_at,
         heartbeat_at, live, running
  from signalbox.workers
  order by started_at, id`;

export async function listWorkers(db: Queryable): Promise<WorkerInfo[]> {
  return (await db.query<WorkerRow>(listSql)).rows.map(toWorker);
}

const wishesSql = `
  update signalbox.worker
  set concurrency = coalesce($2, concurrency), status = case when $3 then 'draining' else status end
  where id = $1
  returning pg_notify('signalbox', 'worker:' || id)`;

/** Tells a worker, wherever it runs, its concurrency or to drain. @returns false when there is no such worker */
export async function instructWorker(
  db: Queryable,
  workerId: string,
  wish: { readonly concurrency?: number | undefined; readonly drain?: boolean | undefined },
): Promise<boolean> {
  const values = [workerId, wish.concurrency, wish.drain ?? false];
  return (await db.query(wishesSql, values)).rowCount === 1;
}

const selfSql = `select concurrency, status from signalbox.worker where id = $1`;

/** What others want of this worker; `undefined` when its row is gone. */
export async function readInstructions(
  db: Queryable,
  workerId: string,
): Promise<{ concurrency: number; status: 'running' | 'draining' } | undefined> {
  return (await db.query<{ concurrency: number; status: 'running' | 'draining' }>(selfSql, [workerId]))
    .rows[0];
}

const cancelledOfSql = `
  select id from signalbox.job where id = any($1::uuid[]) and cancel_requested_at is not null`;

/** Which of these running jobs somebody wants cancelled. Primary keys. */
export async function cancelRequests(db: Queryable, ids: readonly string[]): Promise<string[]> {
  return (await db.query<{ id: string }>(cancelledOfSql, [ids])).rows.map((row) => row.id);
}

// Index `claim_by_worker`. Must not run while a claim of this worker is under way: it is not known yet.
const forgottenSql = `
  select r.job_id, r.runs + 1 as attempt, r.claim_id from signalbox.running r
  where r.worker_id = $1 and not (r.claim_id = any($2::bigint[]))`;

/**
 * Jobs that the database says this worker runs and the worker does not know: the answer to their claim was lost.
 * Nobody else would ever free them, because the worker is alive.
 */
export async function forgottenJobs(
  db: Queryable,
  workerId: string,
  known: readonly string[],
): Promise<{ job_id: string; attempt: number; claim_id: string }[]> {
  return (
    await db.query<{ job_id: string; attempt: number; claim_id: string }>(forgottenSql, [workerId, known])
  ).rows;
}

// Primary key.
const lostSql = `
  select k.id from unnest($2::bigint[]) as k(id)
  where not exists (select from signalbox.claim c where c.id = k.id and c.worker_id = $1)`;

/** Which of these claims are not this worker's any more. None of them may be settled whole. */
export async function lostClaims(
  db: Queryable,
  workerId: string,
  claimIds: readonly string[],
): Promise<ReadonlySet<string>> {
  const { rows } = await db.query<{ id: string }>(lostSql, [workerId, claimIds]);
  return new Set(rows.map(({ id }) => id));
}
