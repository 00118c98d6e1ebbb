import {
  bigintArray,
  booleanArray,
  floatArray,
  integerArray,
  smallintArray,
  textArray,
  uuidArray,
} from '../../database/binary-array.js';
import type { Queryable } from '../../database/queryable.js';
import type { JobError, JobReason } from '../job.js';

/** The fence: what an outcome must still match. When it does not, the attempt was taken away and nothing changes. */
export interface Fence {
  readonly jobId: string;
  readonly attempt: number;
  readonly workerId: string;
  readonly claimId: string;
}

/** How an attempt ended for good. */
export type End =
  | { readonly kind: 'succeeded'; readonly resultJson: string }
  | { readonly kind: 'failed'; readonly reason: JobReason; readonly error: JobError }
  | { readonly kind: 'cancelled' };

/** How an attempt ended so that there will be another. */
export type Return =
  | {
      readonly kind: 'retrying';
      readonly reason: JobReason;
      readonly error: JobError;
      readonly delayMs: number;
    }
  | {
      readonly kind: 'snoozed';
      readonly reason: JobReason;
      readonly delayMs: number;
      readonly message: string;
    }
  /** `begun`: whether the handler was called. */
  | { readonly kind: 'released'; readonly begun: boolean };

export type Outcome = End | Return;

export interface Settlement<O extends Outcome> {
  readonly fence: Fence;
  readonly outcome: O;
  /** Whether the job uses slots of some limit. */
  readonly limited: boolean;
}

/** `null`: every fence held. Else the jobs whose did. */
export type Held = ReadonlySet<string> | null;

// Rows by primary key, each behind its fence.
const finishSql = `select signalbox.finish($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11) as held`;

/** Records ends of one worker's attempts. `done`: claims of which every job is settled with these. */
export async function finish(
  db: Queryable,
  workerId: string,
  batch: readonly Settlement<End>[],
  done: readonly string[],
): Promise<Held> {
  const plain = batch.every(({ outcome }) => outcome.kind === 'succeeded');
  const empty = batch.every(({ outcome }) => outcome.kind === 'succeeded' && outcome.resultJson === 'null');
  return held(db, finishSql, [
    workerId,
    ...fences(batch),
    plain ? null : textArray(batch.map(({ outcome }) => outcome.kind)),
    plain ? null : textArray(batch.map(({ outcome }) => reasonOf(outcome))),
    empty
      ? null
      : textArray(batch.map(({ outcome }) => (outcome.kind === 'succeeded' ? outcome.resultJson : null))),
    plain ? null : textArray(batch.map(({ outcome }) => errorOf(outcome))),
    batch.some(({ limited }) => limited) ? booleanArray(batch.map(({ limited }) => limited)) : null,
    bigintArray(done),
  ]);
}

const giveBackSql = `select signalbox.give_back($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12) as held`;

/** Puts jobs of one worker back to wait. */
export async function giveBack(
  db: Queryable,
  workerId: string,
  batch: readonly Settlement<Return>[],
  done: readonly string[],
): Promise<Held> {
  return held(db, giveBackSql, [
    workerId,
    ...fences(batch),
    textArray(batch.map(({ outcome }) => holds[outcome.kind])),
    floatArray(batch.map(({ outcome }) => ('delayMs' in outcome ? outcome.delayMs : null))),
    textArray(batch.map(({ outcome }) => reasonOf(outcome))),
    textArray(batch.map(({ outcome }) => errorOf(outcome))),
    textArray(batch.map(({ outcome }) => (outcome.kind === 'snoozed' ? outcome.message : null))),
    booleanArray(batch.map(({ outcome }) => outcome.kind !== 'released' || outcome.begun)),
    bigintArray(done),
  ]);
}

const holds = { retrying: 'retrying', snoozed: 'scheduled', released: null } as const;

async function held(db: Queryable, sql: string, values: unknown[]): Promise<Held> {
  const { rows } = await db.query<{ held: string[] | null }>(sql, values);
  const ids = rows[0]?.held ?? null;
  return ids === null ? null : new Set(ids);
}

/** The distinct claims, which of them each job is from, the jobs, and their attempts. */
function fences(batch: readonly Settlement<Outcome>[]): Buffer[] {
  const positions = new Map<string, number>();
  const from = batch.map(({ fence }) => {
    const known = positions.get(fence.claimId) ?? positions.size + 1;
    positions.set(fence.claimId, known);
    return known;
  });
  return [
    bigintArray([...positions.keys()]),
    smallintArray(from),
    uuidArray(batch.map(({ fence }) => fence.jobId)),
    integerArray(batch.map(({ fence }) => fence.attempt)),
  ];
}

/** Why the job is in the state that the outcome gives it. */
export function reasonOf(outcome: Outcome): JobReason | null {
  switch (outcome.kind) {
    case 'succeeded':
      return null;
    case 'cancelled':
      return 'cancelled';
    case 'released':
      return 'released';
    default:
      return outcome.reason;
  }
}

function errorOf(outcome: Outcome): string | null {
  return 'error' in outcome ? JSON.stringify(outcome.error) : null;
}

// Primary keys. An attempt that ended for good is in `finished` with its worker; one that was put back has its number
// among the ended ones and is told in the job's events.
const recordedSql = `
  select f.id from signalbox.finished f
  join unnest($2::uuid[], $3::integer[]) as d(id, run) on f.id = d.id and f.runs = d.run and f.worker_id = $1
  union all
  select j.id from signalbox.job j
  join unnest($2::uuid[], $3::integer[]) as d(id, run) on j.id = d.id and j.runs = d.run
  where j.events @> jsonb_build_array(jsonb_build_object(
          'type', 'processing', 'attempt', d.run, 'data', jsonb_build_object('worker_id', $1::uuid)))
    and j.reason is distinct from 'rescued'`;

/** Which of these attempts an earlier try has recorded, whose answer was lost. */
export async function recordedBefore(
  db: Queryable,
  workerId: string,
  fenced: readonly Fence[],
): Promise<ReadonlySet<string>> {
  const { rows } = await db.query<{ id: string }>(recordedSql, [
    workerId,
    uuidArray(fenced.map(({ jobId }) => jobId)),
    integerArray(fenced.map(({ attempt }) => attempt)),
  ]);
  return new Set(rows.map(({ id }) => id));
}

const ours = `exists (select from signalbox.claim c where c.id = $3 and c.worker_id = $4)`;

// One row by its primary key, while the fence holds.
const progressSql = `
  update signalbox.job j
  set progress = $5::jsonb, touched_at = now(),
      events = case when not $6::boolean then j.events else signalbox.remember(signalbox.history(j),
        signalbox.begun(signalbox.history(j), $2, (select c.claimed_at from signalbox.claim c where c.id = $3), $4),
        signalbox.event(now(), 'progress', $2, $5::jsonb)) end
  where j.id = $1 and j.runs = $2 - 1 and ${ours}`;

/** `told`: whether it is also kept as an event. @returns false when the attempt was taken away */
export async function saveProgress(
  db: Queryable,
  at: Fence,
  progress: { fraction: number; message: string | null },
  told: boolean,
): Promise<boolean> {
  const values = [at.jobId, at.attempt, at.claimId, at.workerId, JSON.stringify(progress), told];
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
