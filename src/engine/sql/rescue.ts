import type { Queryable } from '../../database/queryable.js';

// Under the lock of the claims. Locks the rows of dead workers: one that comes back finds no row and no job.
const rescueSql = `select job_id as id, queue, status from signalbox.rescue($1)`;

export interface RescuedJob {
  readonly id: string;
  readonly queue: string;
  readonly status: 'queued' | 'failed' | 'cancelled';
}

/** Takes the jobs of dead workers away from them. Safe to run anywhere, at any time, twice. */
export async function rescueJobs(db: Queryable, maxCrashes: number): Promise<RescuedJob[]> {
  return (await db.query<RescuedJob>(rescueSql, [maxCrashes])).rows;
}

// Under the lock of the claims. Index `job_cancelling`.
const endCancelledSql = `select id, pg_notify('signalbox', 'job:' || id) from signalbox.end_cancelled($1) as id`;

/** Ends cancelled jobs whose worker has not, `graceMs` after the request. @returns their ids */
export async function enforceCancels(db: Queryable, graceMs: number): Promise<string[]> {
  return idsOf(await db.query<{ id: string }>(endCancelledSql, [graceMs]));
}

// Under the lock of the claims. The few claims and their jobs.
const timeOutSql = `select id, pg_notify('signalbox', 'job:' || id) from signalbox.time_out($1) as id`;

/**
 * Ends attempts whose worker lives and has not ended them itself `graceMs` after their time was over, as when a
 * handler blocks its event loop for good. @returns their jobs
 */
export async function enforceTimeouts(db: Queryable, graceMs: number): Promise<string[]> {
  return idsOf(await db.query<{ id: string }>(timeOutSql, [graceMs]));
}

function idsOf({ rows }: { readonly rows: readonly { readonly id: string }[] }): string[] {
  return rows.map(({ id }) => id);
}

// Under the lock of the claims. Index `job_ending`.
const endOverdueSql = `
  select o.job_id as id, o.reason, pg_notify('signalbox', 'job:' || o.job_id) from signalbox.end_overdue(1000, $1) as o`;

/** Fails jobs that were not started in time or whose deadline has passed. @returns their ids */
export async function endOverdue(
  db: Queryable,
  graceMs: number,
): Promise<{ expired: string[]; deadline: string[] }> {
  const { rows } = await db.query<{ id: string; reason: 'expired' | 'deadline' }>(endOverdueSql, [graceMs]);
  const of = (wanted: string) => rows.filter(({ reason }) => reason === wanted).map(({ id }) => id);
  return { expired: of('expired'), deadline: of('deadline') };
}

// Under the lock of the claims, so that no claim is between its slots and its row. Slots of jobs that do not run, and
// jobs that wait for a key with room: neither should be, so each is counted.
const healSql = `select slots, jobs from signalbox.heal_limits()`;

/** Frees what a limit holds for nothing. @returns what was found; all 0 unless something went wrong before */
export async function healLimits(db: Queryable): Promise<{ slots: number; jobs: number }> {
  const { rows } = await db.query<{ slots: number; jobs: number }>(healSql);
  return rows[0] ?? { slots: 0, jobs: 0 };
}

// Adds up what was counted. Readers of the sum see the rows before or the one after, never both. A sum has no time and
// no spans: whoever wants those takes them from the rows as they go.
const addUpSql = `
  with gone as (delete from signalbox.tally returning *)
  insert into signalbox.tally (lane_id, live, scheduled, retrying, processing, succeeded, failed, cancelled, at)
  select lane_id, sum(live), sum(scheduled), sum(retrying), sum(processing), sum(succeeded), sum(failed),
         sum(cancelled), null
  from gone group by lane_id`;
const tallyRowsSql = `select count(*)::integer as n from (select from signalbox.tally where at is not null limit 1000) as t`;

/** Keeps the rows of the tally few. @param most changes that may be left as they are */
export async function addUpTally(db: Queryable, most = 200): Promise<void> {
  const { rows } = await db.query<{ n: number }>(tallyRowsSql);
  if ((rows[0]?.n ?? 0) > most) await db.query(addUpSql);
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
