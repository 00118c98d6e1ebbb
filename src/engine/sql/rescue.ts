import type { Queryable } from '../../database/queryable.js';

// Locks the dead worker's row, then its jobs: a worker that comes back finds no row and no job.
// A job is `failed` once it has taken `maxCrashes` workers with it; one that was to be cancelled is cancelled.
const rescueSql = `
  with dead as (
    select id from signalbox.worker where lease_expires_at <= now() for update skip locked),
  orphan as (
    select j.id, j.crashes + 1 as crashes, j.cancel_requested_at is not null as unwanted
    from signalbox.job j
    where j.status = 'processing'
      and (j.worker_id in (select id from dead)
           or not exists (select 1 from signalbox.worker w where w.id = j.worker_id))
    for update skip locked),
  moved as (
    update signalbox.job j
    set status = case when o.unwanted then 'cancelled' when o.crashes >= $1 then 'failed' else 'queued' end,
        reason = case when o.unwanted then 'cancelled' when o.crashes >= $1 then 'crashed' else 'rescued' end,
        crashes = o.crashes,
        worker_id = null,
        finished_at = case when o.unwanted or o.crashes >= $1 then now() end,
        error = case when o.crashes >= $1 and not o.unwanted then jsonb_build_object(
          'type', 'worker_crashed', 'retryable', false, 'attempt', j.attempt,
          'message', format('The worker process died %s times while it ran this job.', o.crashes))
          else j.error end
    from orphan o where j.id = o.id
    returning j.id, j.queue, j.status),
  gone as (
    delete from signalbox.worker where id in (select id from dead))
  select id, queue, status from moved`;

export interface RescuedJob {
  readonly id: string;
  readonly queue: string;
  readonly status: 'queued' | 'failed' | 'cancelled';
}

/** Takes the jobs of dead workers away from them. Safe to run anywhere, at any time, twice. */
export async function rescueJobs(db: Queryable, maxCrashes: number): Promise<RescuedJob[]> {
  return (await db.query<RescuedJob>(rescueSql, [maxCrashes])).rows;
}

// A handler that never answers its abort signal must not hold a cancelled job for ever. Index `job_processing`.
const enforceSql = `
  update signalbox.job
  set status = 'cancelled', reason = 'cancelled', worker_id = null, finished_at = now()
  where status = 'processing' and cancel_requested_at < now() - $1::float8 * interval '1 millisecond'`;

/** Ends cancelled jobs whose worker has not, `graceMs` after the request. @returns how many */
export async function enforceCancels(db: Queryable, graceMs: number): Promise<number> {
  return (await db.query(enforceSql, [graceMs])).rowCount ?? 0;
}

// One row. `now()` is the database's: two processes with different clocks cannot both hold it.
const leadSql = `
  insert into signalbox.leader as l (name, holder, lease_expires_at)
  values ($1, $2, now() + $3::float8 * interval '1 millisecond')
  on conflict (name) do update
  set holder = excluded.holder, lease_expires_at = excluded.lease_expires_at,
      elected_at = case when l.holder = excluded.holder then l.elected_at else now() end
  where l.holder = excluded.holder or l.lease_expires_at <= now()`;

/** Takes or renews the leader's lease. @returns whether this process leads now */
export async function lead(db: Queryable, name: string, holder: string, leaseMs: number): Promise<boolean> {
  return (await db.query(leadSql, [name, holder, leaseMs])).rowCount === 1;
}

const resignSql = `delete from signalbox.leader where name = $1 and holder = $2`;

export async function resign(db: Queryable, name: string, holder: string): Promise<void> {
  await db.query(resignSql, [name, holder]);
}
