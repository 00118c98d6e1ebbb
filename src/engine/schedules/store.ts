import { many, one, type Queryable } from '../../database/queryable.js';
import type { FiringRow, ScheduleRow } from './row.js';
import type { ScheduleDefinition, ScheduleSource } from './schedule.js';

/** The database's clock, which alone decides what is due. To the millisecond. */
export async function databaseNow(db: Queryable): Promise<Date> {
  const row = await one<{ now: Date }>(db, 'select now() as now', []);
  return (row as { now: Date }).now;
}

// Held until the transaction ends: two processes that start at once must not disable each other's new schedules.
const lockSyncSql = `select pg_advisory_xact_lock(7244325002)`;

export async function lockSync(tx: Queryable): Promise<void> {
  await tx.query(lockSyncSql, []);
}

// Partial index `schedule_due`; nothing is read when nothing is due. No lock: whoever fires takes one.
const dueSql = `
  select name from signalbox.schedule
  where due_at is not null and due_at <= $1
  order by due_at limit $2`;

/** Names of the schedules to look at, the longest due first. */
export async function dueSchedules(db: Queryable, now: Date, limit: number): Promise<string[]> {
  return (await many<{ name: string }>(db, dueSql, [now, limit])).map(({ name }) => name);
}

// One row by its primary key, skipped while another process fires it. Held until the job's transaction ends.
const lockDueSql = `
  select * from signalbox.schedule
  where name = $1 and due_at is not null and due_at <= $2
  for update skip locked`;

/** @returns `undefined` when another process has it or had it, or it rests by now */
export async function lockDue(tx: Queryable, name: string, now: Date): Promise<ScheduleRow | undefined> {
  return one<ScheduleRow>(tx, lockDueSql, [name, now]);
}

// One row by its primary key. Waits for a turn that fires it.
const lockSql = `select * from signalbox.schedule where name = $1 for update`;

export async function lockSchedule(tx: Queryable, name: string): Promise<ScheduleRow | undefined> {
  return one<ScheduleRow>(tx, lockSql, [name]);
}

export interface TurnResult {
  readonly nextSlot: Date | null;
  readonly dueAt: Date | null;
  readonly heldSlot: Date | null;
  readonly openJobs: readonly string[];
}

// One row by its primary key, locked by this transaction.
const saveTurnSql = `
  update signalbox.schedule
  set next_slot = $2, due_at = $3, held_slot = $4, open_jobs = $5, failures = 0
  where name = $1`;

export async function saveTurn(tx: Queryable, name: string, turn: TurnResult): Promise<void> {
  await tx.query(saveTurnSql, [name, turn.nextSlot, turn.dueAt, turn.heldSlot, turn.openJobs]);
}

// One row by its primary key.
const saveOpenJobsSql = `update signalbox.schedule set open_jobs = $2 where name = $1`;

export async function saveOpenJobs(tx: Queryable, name: string, jobs: readonly string[]): Promise<void> {
  await tx.query(saveOpenJobsSql, [name, jobs]);
}

// One row by its primary key, after the failed transaction was undone.
const countFailureSql = `
  update signalbox.schedule
  set failures = failures + 1, last_error = $2, last_error_at = $3
  where name = $1
  returning failures`;

/** @returns failed tries since the last success; `undefined` when it was removed meanwhile */
export async function countFailure(
  tx: Queryable,
  name: string,
  message: string,
  at: Date,
): Promise<number | undefined> {
  return (await one<{ failures: number }>(tx, countFailureSql, [name, message, at]))?.failures;
}

// One row by its primary key, locked by this transaction. One that rests by now stays at rest.
const saveRetrySql = `update signalbox.schedule set due_at = $2 where name = $1 and due_at is not null`;

export async function saveRetry(tx: Queryable, name: string, at: Date): Promise<void> {
  await tx.query(saveRetrySql, [name, at]);
}

// One row by its primary key; waits for a turn that fires it. It starts from now when it is new, was at rest, or its
// times have changed. An operator's pause outlives a new start of the code, and `source` never changes.
const saveDefinitionSql = `
  insert into signalbox.schedule as s
    (name, source, task, input, slot_field, cron, time_zone, catch_up, overlap, jitter_ms, priority, owner, tags,
     paused, next_slot, due_at)
  values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, coalesce($14::boolean, false), $15,
          case when $14 then null else $16::timestamptz end)
  on conflict (name) do update
  set task = excluded.task, input = excluded.input, slot_field = excluded.slot_field, cron = excluded.cron,
      time_zone = excluded.time_zone, catch_up = excluded.catch_up, overlap = excluded.overlap,
      jitter_ms = excluded.jitter_ms, priority = excluded.priority, owner = excluded.owner, tags = excluded.tags,
      paused = case when s.source = 'code' then s.paused else coalesce($14, s.paused) end,
      enabled = true,
      next_slot = case when not s.enabled or s.cron <> excluded.cron or s.time_zone <> excluded.time_zone
                         or s.paused and not coalesce($14, s.paused)
                       then excluded.next_slot else s.next_slot end,
      due_at = case when case when s.source = 'code' then s.paused else coalesce($14, s.paused) end
                    then null else $16::timestamptz end,
      failures = 0, updated_at = now()
  where s.source = excluded.source
  returning *`;

/** @returns `undefined` when the name belongs to the other source; nothing is changed then */
export async function saveDefinition(
  tx: Queryable,
  source: ScheduleSource,
  definition: ScheduleDefinition,
  start: { readonly nextSlot: Date | null; readonly now: Date },
): Promise<ScheduleRow | undefined> {
  const d = definition;
  return one<ScheduleRow>(tx, saveDefinitionSql, [
    ...[
      d.name,
      source,
      d.task,
      JSON.stringify(d.input),
      d.slotField,
      d.cron,
      d.timeZone,
      d.catchUp,
      d.overlap,
    ],
    ...[d.jitterMs, d.priority, d.owner, d.tags, d.paused, start.nextSlot, start.now],
  ]);
}

// Reads the few schedules. They stay, with their history.
const disableOthersSql = `
  update signalbox.schedule
  set enabled = false, due_at = null, updated_at = now()
  where source = 'code' and enabled and not (name = any($1))
  returning name`;

/** Disables what was declared in code and no longer is. @returns the names */
export async function disableOthers(tx: Queryable, declared: readonly string[]): Promise<string[]> {
  return (await many<{ name: string }>(tx, disableOthersSql, [declared])).map(({ name }) => name).sort();
}

// One row by its primary key.
const pauseSql = `
  update signalbox.schedule set paused = true, due_at = null, updated_at = now() where name = $1 returning *`;

export async function pauseSchedule(db: Queryable, name: string): Promise<ScheduleRow | undefined> {
  return one<ScheduleRow>(db, pauseSql, [name]);
}

// One row by its primary key, locked by this transaction.
const resumeSql = `
  update signalbox.schedule
  set paused = false, next_slot = $2, due_at = case when enabled then $3::timestamptz end, failures = 0,
      updated_at = now()
  where name = $1
  returning *`;

export async function resumeSchedule(
  tx: Queryable,
  name: string,
  start: { readonly nextSlot: Date | null; readonly now: Date },
): Promise<ScheduleRow | undefined> {
  return one<ScheduleRow>(tx, resumeSql, [name, start.nextSlot, start.now]);
}

// One row by its primary key; its firings go with it.
const deleteSql = `delete from signalbox.schedule where name = $1`;

export async function deleteSchedule(tx: Queryable, name: string): Promise<void> {
  await tx.query(deleteSql, [name]);
}

export interface ListedRow {
  readonly schedule: ScheduleRow;
  readonly firing: FiringRow | null;
}

// Primary keys: one page of schedules, and the newest firing of each.
const listSql = `
  select s.*, f.last_firing
  from signalbox.schedule s
  left join lateral (
    select to_jsonb(f) as last_firing from signalbox.schedule_firing f
    where f.schedule = s.name order by f.slot desc limit 1) f on true
  where ($1::text is null or s.name = $1) and ($2::text is null or s.name > $2)
  order by s.name limit $3`;

/** By name: one of them, or those after `after`. */
export async function listSchedules(
  db: Queryable,
  filter: { readonly name?: string; readonly after?: string | undefined; readonly limit: number },
): Promise<ListedRow[]> {
  const values = [filter.name ?? null, filter.after ?? null, filter.limit];
  const rows = await many<ScheduleRow & { last_firing: JsonFiring | null }>(db, listSql, values);
  return rows.map((row) => ({ schedule: row, firing: row.last_firing && fromJson(row.last_firing) }));
}

type JsonFiring = Omit<FiringRow, 'slot' | 'missed_from' | 'at'> & {
  readonly slot: string;
  readonly missed_from: string | null;
  readonly at: string;
};

function fromJson(row: JsonFiring): FiringRow {
  return {
    ...row,
    slot: new Date(row.slot),
    missed_from: row.missed_from === null ? null : new Date(row.missed_from),
    at: new Date(row.at),
  };
}
