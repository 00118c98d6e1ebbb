import { integerArray, smallintArray, textArray, uuidArray } from '../../database/binary-array.js';
import type { Queryable } from '../../database/queryable.js';
import type { JobStatus } from '../job.js';

/** One job to insert. Absent times mean: now, never. */
export interface NewJob {
  readonly id: string;
  readonly task: string;
  readonly queue: string;
  readonly laneId: number;
  readonly priority: number;
  readonly maxAttempts: number;
  readonly timeoutMs: number;
  /** JSON text. */
  readonly input: string;
  readonly owner: string | null;
  readonly traceParent: string | null;
  /** `null`: none of the rarer options is set. */
  readonly more: MoreOfJob | null;
}

export interface MoreOfJob {
  readonly runAt: Date | null;
  readonly expiresAt: Date | null;
  readonly deadlineAt: Date | null;
  readonly tags: readonly string[];
  readonly limit: { readonly key: string; readonly max: number } | null;
  readonly unique: UniqueKey | null;
}

export interface UniqueKey {
  readonly key: string;
  readonly periodMs: number | null;
  readonly states: readonly JobStatus[];
}

/** Inputs with more bytes of JSON do not travel with their job through its tables. */
export const inlineInputBytes = 4_096;

const place = `(select signalbox.place_of(now())) + n.ord`;
const wake = `told as (select pg_notify('signalbox', 'queue:' || q) from unnest($1::text[]) as q)`;

// No lock; one round trip for any number of jobs that differ in nothing but their input, owner and trace.
const uniformSql = `
  with ${wake},
  counted as (insert into signalbox.tally (lane_id, live) values ($4::integer, $8::integer)),
  made as (
    insert into signalbox.job
      (id, lane_id, priority, place, max_attempts, timeout_ms, owner, trace_parent, input)
    select n.id, $4::integer, $5::smallint, ${place}, $6::integer, $7::integer, n.owner, n.trace_parent, n.input::json
    from unnest($2::uuid[], $3::text[], $9::text[], $10::text[]) with ordinality
         as n(id, input, owner, trace_parent, ord))
  select now() as at, (select count(*) from told) as told`;

// The same for jobs that differ. The database decides whether a time is in the future.
const mixedSql = `
  with ${wake},
  n as (
    select n.*, case when n.run_at > now() then 'scheduled' end as hold
    from unnest($2::uuid[], $3::text[], $4::integer[], $5::smallint[], $6::integer[], $7::integer[], $8::timestamptz[],
                $9::timestamptz[], $10::timestamptz[], $11::text[], $12::text[], $13::text[], $14::text[], $15::integer[],
                $16::text[]) with ordinality
         as n(id, input, lane_id, priority, max_attempts, timeout_ms, run_at, expires_at, deadline_at, owner, tags,
              trace_parent, limit_key, limit_max, unique_key, ord)
    where not exists (select from signalbox.finished f where f.id = n.id)),
  made as (
    insert into signalbox.job
      (id, lane_id, priority, place, max_attempts, timeout_ms, hold, run_at, expires_at, deadline_at, owner, tags,
       trace_parent, limit_key, limit_max, unique_key, input)
    select n.id, n.lane_id, n.priority, ${place}, n.max_attempts, n.timeout_ms, n.hold, n.run_at, n.expires_at,
           n.deadline_at, n.owner, n.tags::text[], n.trace_parent, n.limit_key, n.limit_max, n.unique_key,
           case when octet_length(n.input) <= ${inlineInputBytes} then n.input::json end
    from n order by n.ord
    on conflict (id) do nothing
    returning id, lane_id, hold),
  stored as (
    insert into signalbox.payload (job_id, input)
    select n.id, n.input::json from n join made m on m.id = n.id where octet_length(n.input) > ${inlineInputBytes}
    on conflict (job_id) do nothing),
  counted as (
    insert into signalbox.tally (lane_id, live, scheduled)
    select lane_id, count(*), count(*) filter (where hold = 'scheduled') from made group by lane_id)
  select now() as at, (select count(*) from told) as told,
         coalesce((select array_agg(id) from made), '{}') as made,
         coalesce((select array_agg(id) from made where hold = 'scheduled'), '{}') as scheduled`;

export interface Inserted {
  /** The time of the transaction: when all of them were made. */
  readonly at: Date;
  /** Those that were made; `null`: all. One that was there already is not. */
  readonly made: ReadonlySet<string> | null;
  readonly scheduled: ReadonlySet<string>;
}

/** Jobs of one task that differ in their id, input, owner and trace only; no input exceeds `inlineInputBytes`. */
export interface UniformJobs {
  readonly laneId: number;
  readonly priority: number;
  readonly maxAttempts: number;
  readonly timeoutMs: number;
  readonly ids: readonly string[];
  /** JSON texts. */
  readonly inputs: readonly string[];
  /** `null`: none has one. */
  readonly owners: readonly (string | null)[] | null;
  readonly traceParents: readonly (string | null)[] | null;
}

/** Inserts new jobs, all or none. @returns the time of the transaction */
export async function insertUniformJobs(
  db: Queryable,
  jobs: UniformJobs,
  wakeQueues: readonly string[],
): Promise<Date> {
  const { laneId, priority, maxAttempts, timeoutMs, ids, inputs, owners, traceParents } = jobs;
  const { rows } = await db.query<{ at: Date }>(uniformSql, [
    wakeQueues,
    uuidArray(ids),
    textArray(inputs),
    laneId,
    priority,
    maxAttempts,
    timeoutMs,
    ids.length,
    owners && textArray(owners),
    traceParents && textArray(traceParents),
  ]);
  return rows[0]?.at as Date;
}

/**
 * Inserts jobs, all or none; an id that is there already is left as it is. `wakeQueues` are told in the same
 * transaction.
 */
export async function insertJobs(
  db: Queryable,
  jobs: readonly NewJob[],
  wakeQueues: readonly string[],
): Promise<Inserted> {
  const [first] = jobs;
  if (first !== undefined && jobs.every((job) => isLike(job, first))) {
    const { laneId, priority, maxAttempts, timeoutMs } = first;
    const policy = { laneId, priority, maxAttempts, timeoutMs };
    const ids = jobs.map(({ id }) => id);
    const inputs = jobs.map(({ input }) => input);
    const owners = jobs.some(({ owner }) => owner !== null) ? jobs.map(({ owner }) => owner) : null;
    const traced = jobs.some(({ traceParent }) => traceParent !== null);
    const traceParents = traced ? jobs.map(({ traceParent }) => traceParent) : null;
    const at = await insertUniformJobs(db, { ...policy, ids, inputs, owners, traceParents }, wakeQueues);
    return { at, made: null, scheduled: new Set() };
  }
  const more = jobs.map((job) => job.more);
  const { rows } = await db.query<{ at: Date; made: string[]; scheduled: string[] }>(mixedSql, [
    wakeQueues,
    uuidArray(jobs.map(({ id }) => id)),
    textArray(jobs.map(({ input }) => input)),
    integerArray(jobs.map(({ laneId }) => laneId)),
    smallintArray(jobs.map(({ priority }) => priority)),
    integerArray(jobs.map(({ maxAttempts }) => maxAttempts)),
    integerArray(jobs.map(({ timeoutMs }) => timeoutMs)),
    more.map((m) => m?.runAt ?? null),
    more.map((m) => m?.expiresAt ?? null),
    more.map((m) => m?.deadlineAt ?? null),
    textArray(jobs.map(({ owner }) => owner)),
    textArray(more.map((m) => (m === null || m.tags.length === 0 ? null : arrayLiteral(m.tags)))),
    textArray(jobs.map(({ traceParent }) => traceParent)),
    textArray(more.map((m) => m?.limit?.key ?? null)),
    integerArray(more.map((m) => m?.limit?.max ?? null)),
    textArray(more.map((m) => m?.unique?.key ?? null)),
  ]);
  const row = rows[0];
  return { at: row?.at as Date, made: new Set(row?.made), scheduled: new Set(row?.scheduled) };
}

/** Whether both can be inserted by the statement for uniform jobs. */
function isLike(job: NewJob, first: NewJob): boolean {
  return (
    job.more === null &&
    isInline(job.input) &&
    job.laneId === first.laneId &&
    job.priority === first.priority &&
    job.maxAttempts === first.maxAttempts &&
    job.timeoutMs === first.timeoutMs
  );
}

/** Whether the text surely has no more than `inlineInputBytes` bytes. */
export function isInline(json: string): boolean {
  return json.length * 3 <= inlineInputBytes;
}

function arrayLiteral(texts: readonly string[]): string {
  return `{${texts.map((text) => `"${text.replaceAll(/[\\"]/g, '\\$&')}"`).join(',')}}`;
}

// What went through all tables between two tries of an enqueue is found by a second look with a new snapshot: until
// it ended, the first statement's conflict saw it.
const undoDoublesSql = `
  with doubled as (
    delete from signalbox.job j using signalbox.finished f
    where j.id = any($1::uuid[]) and f.id = j.id returning j.id, j.lane_id, j.hold),
  counted as (
    insert into signalbox.tally (lane_id, live, scheduled)
    select lane_id, -count(*), -count(*) filter (where hold = 'scheduled') from doubled group by lane_id)
  select id from doubled`;

/** In the same transaction as the insert before it. @returns the ids that had ended already */
export async function undoDoubles(tx: Queryable, ids: readonly string[]): Promise<string[]> {
  return (await tx.query<{ id: string }>(undoDoublesSql, [ids])).rows.map(({ id }) => id);
}

// Waits for whoever takes the same key at this moment. In the order of the keys, so that two batches never wait for
// each other. A key whose period is over changes hands. A job that is there already takes none: it had its turn.
const takeKeysSql = `
  insert into signalbox.unique_key as u (key, job_id, states, until)
  select n.key, n.id, n.states::text[], now() + n.period * interval '1 millisecond'
  from unnest($1::text[], $2::uuid[], $3::text[], $4::float8[]) as n(key, id, states, period)
  where not exists (select from signalbox.job j where j.id = n.id)
    and not exists (select from signalbox.finished f where f.id = n.id)
    and not exists (
      select from signalbox.unique_key h
      where h.key = n.key and h.job_id <> n.id and (h.until is null or h.until > now()))
  order by n.key
  on conflict (key) do update
  set job_id = excluded.job_id,
      states = case when u.job_id = excluded.job_id then u.states else excluded.states end,
      until = case when u.job_id = excluded.job_id then u.until else excluded.until end
    where u.until <= now() or u.job_id = excluded.job_id
  returning u.key`;
// For one that came to be there in the meantime: nothing would ever release a key that its job does not know of.
const dropKeysSql = `
  delete from signalbox.unique_key u
  where u.job_id = any($1::uuid[])
    and not exists (select from signalbox.jobs j
                    where j.id = u.job_id and j.unique_key = u.key and j.status = any(u.states))`;
const holdersSql = `
  select n.key, coalesce(j.id, f.id, u.job_id) as job_id
  from unnest($1::text[], $2::uuid[]) as n(key, id)
  left join signalbox.job j on j.id = n.id
  left join signalbox.finished f on f.id = n.id
  left join signalbox.unique_key u on u.key = n.key
  where coalesce(j.id, f.id, u.job_id) is not null`;

export interface KeyWish {
  readonly id: string;
  readonly unique: UniqueKey;
}

/** Takes unique keys for jobs about to be inserted; no key twice. @returns the keys that were taken */
export async function takeKeys(tx: Queryable, wishes: readonly KeyWish[]): Promise<ReadonlySet<string>> {
  const { rows } = await tx.query<{ key: string }>(takeKeysSql, [
    wishes.map(({ unique }) => unique.key),
    wishes.map(({ id }) => id),
    wishes.map(({ unique }) => arrayLiteral(unique.states)),
    wishes.map(({ unique }) => unique.periodMs),
  ]);
  return new Set(rows.map(({ key }) => key));
}

/** Gives up keys that were taken for jobs which were there already. In the same transaction. */
export async function dropIdleKeys(tx: Queryable, ids: readonly string[]): Promise<void> {
  await tx.query(dropKeysSql, [ids]);
}

/** Which job is answered for each key: the one of the same id, else who holds it now. Sees who was faster. */
export async function holdersOf(
  tx: Queryable,
  wishes: readonly { readonly id: string; readonly key: string }[],
): Promise<ReadonlyMap<string, string>> {
  const values = [wishes.map(({ key }) => key), wishes.map(({ id }) => id)];
  const { rows } = await tx.query<{ key: string; job_id: string }>(holdersSql, values);
  return new Map(rows.map((row) => [row.key, row.job_id]));
}
