import type { Queryable } from '../../database/queryable.js';

export interface ClaimWish {
  readonly workerId: string;
  /** `null`: every queue. */
  readonly queues: readonly string[] | null;
  readonly tasks: readonly string[];
  readonly limit: number;
  /** Whether jobs that took a worker with them may be among them. */
  readonly suspects: boolean;
  /** Where the last claim ended, while there is no reason to look before it. */
  readonly floor: Floor | null;
}

export interface Floor {
  readonly priority: number;
  /** A `bigint` as text. */
  readonly place: string;
}

/** One claimed job as `signalbox.brief` writes it. */
export type Brief = readonly [
  id: string,
  laneId: number,
  attempt: number,
  failures: number,
  crashes: number,
  maxAttempts: number,
  timeoutMs: number,
  input: unknown,
  /** Since when it could have been claimed: microseconds since the epoch by the database's clock. */
  readySince: number,
  more?: {
    readonly owner: string | null;
    readonly tags: readonly string[] | null;
    readonly trace_parent: string | null;
    /** Milliseconds from the statement to its deadline, and to when it must have been started for the first time. */
    readonly left_ms: number | null;
    readonly start_ms: number | null;
  },
];

/** What is told of claimed jobs. */
export interface Briefs {
  readonly list: readonly Brief[];
  /** What it took to tell it, characters. */
  readonly size: number;
}

export interface Claim {
  /** A `bigint` as text; `null` when nothing was taken. */
  readonly id: string | null;
  readonly taken: number;
  /** The database's clock when it was made, milliseconds since the epoch. */
  readonly nowMs: number;
  /** Whether its jobs use slots of some limit. */
  readonly limited: boolean;
  /** `null`: the next claim has to look from the beginning. */
  readonly floor: Floor | null;
  /** `null`: they are to be read with `readClaim`. */
  readonly jobs: Briefs | null;
  /** Milliseconds until a rate lets the next job through. */
  readonly opensInMs: number | null;
  readonly again: boolean;
  /** The worker's lease has ended. */
  readonly lost: boolean;
}

// Under the lock of the claims; index `job_ready` from the floor on. The function is in the migrations.
const claimSql = `
  select *, (extract(epoch from clock_timestamp()) * 1000)::float8 as now_ms
  from signalbox.claim($1, $2, $3, $4, $5, $6, $7)`;

interface ClaimRow {
  claim_id: string | null;
  taken: number;
  now_ms: number;
  limited: boolean;
  last_priority: number | null;
  last_place: string | null;
  jobs: string | null;
  opens_in_ms: number | null;
  again: boolean;
  lost: boolean;
}

export async function claimJobs(db: Queryable, wish: ClaimWish): Promise<Claim> {
  const { workerId, queues, tasks, limit, suspects, floor } = wish;
  const values = [workerId, queues, tasks, limit, suspects, floor?.priority, floor?.place];
  const row = (await db.query<ClaimRow>(claimSql, values)).rows[0] as ClaimRow;
  const ended = row.last_priority === null || row.last_place === null;
  return {
    id: row.claim_id,
    taken: row.taken,
    nowMs: row.now_ms,
    limited: row.limited,
    floor: ended ? null : { priority: row.last_priority as number, place: row.last_place as string },
    jobs: row.taken === 0 ? noBriefs : row.jobs === null ? null : briefsOf(row.jobs),
    opensInMs: row.opens_in_ms,
    again: row.again,
    lost: row.lost,
  };
}

// Rows of the claimed jobs by their primary keys; no lock.
const readClaimSql = `select signalbox.claimed($1) as jobs`;

/** The jobs of a claim that are still in it. */
export async function readClaim(db: Queryable, claimId: string): Promise<Briefs> {
  const row = (await db.query<{ jobs: string | null }>(readClaimSql, [claimId])).rows[0];
  return row?.jobs === null || row === undefined ? noBriefs : briefsOf(row.jobs);
}

const noBriefs: Briefs = { list: [], size: 0 };

function briefsOf(json: string): Briefs {
  return { list: JSON.parse(json) as Brief[], size: json.length };
}

// Row locks on at most `limit` due jobs, others are skipped: any process may do it at any time. Index `job_due`.
const promoteSql = `
  select queue, moved::integer as moved, pg_notify('signalbox', 'queue:' || queue) from signalbox.promote($1)`;

/** Moves jobs whose time has come to where they are claimed. @returns how many, by queue */
export async function promoteDue(db: Queryable, limit: number): Promise<{ queue: string; moved: number }[]> {
  return (await db.query<{ queue: string; moved: number }>(promoteSql, [limit])).rows;
}

const nextDueSql = `
  select extract(epoch from min(run_at) - now()) * 1000 as ms
  from signalbox.job where hold in ('scheduled', 'retrying')`;

/** Milliseconds until the next job is due, negative when overdue; `undefined` when there is none. Index `job_due`. */
export async function msUntilNextDue(db: Queryable): Promise<number | undefined> {
  const { rows } = await db.query<{ ms: string | null }>(nextDueSql);
  const ms = rows[0]?.ms;
  return ms === null || ms === undefined ? undefined : Number(ms);
}
