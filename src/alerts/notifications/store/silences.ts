import { many, one, type Queryable } from '../../../database/queryable.js';
import type { Quiet } from '../policy/quiet.js';

/** A silence or a maintenance window, with who wanted it and why. */
export interface Silence extends Quiet {
  readonly kind: 'silence' | 'maintenance';
  readonly reason: string;
  readonly createdBy: string;
  readonly createdAt: Date;
}

interface SilenceRow {
  readonly id: string;
  readonly kind: 'silence' | 'maintenance';
  readonly rule: string | null;
  readonly labels: Readonly<Record<string, string>>;
  readonly starts_at: Date;
  readonly ends_at: Date | null;
  readonly cron: string | null;
  readonly time_zone: string | null;
  /** bigint comes as text. */
  readonly duration_ms: string | null;
  readonly reason: string;
  readonly created_by: string;
  readonly created_at: Date;
}

function toSilence(row: SilenceRow): Silence {
  const { cron, time_zone: timeZone, duration_ms: duration } = row;
  const every =
    cron === null || timeZone === null || duration === null
      ? null
      : Object.freeze({ cron, timeZone, durationMs: Number(duration) });
  return Object.freeze({
    id: row.id,
    kind: row.kind,
    rule: row.rule,
    labels: Object.freeze(row.labels),
    startsAt: row.starts_at,
    endsAt: row.ends_at,
    every,
    reason: row.reason,
    createdBy: row.created_by,
    createdAt: row.created_at,
  });
}

const insertSilenceSql = `
  insert into signalbox.notification_silence
    (id, kind, rule, labels, starts_at, ends_at, cron, time_zone, duration_ms, reason, created_by, created_at)
  values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, now())
  returning *`;

export async function insertSilence(db: Queryable, silence: Omit<Silence, 'createdAt'>): Promise<Silence> {
  const { id, kind, rule, labels, startsAt, endsAt, every, reason, createdBy } = silence;
  const row = await one<SilenceRow>(db, insertSilenceSql, [
    ...[id, kind, rule, JSON.stringify(labels), startsAt, endsAt],
    ...[every?.cron ?? null, every?.timeZone ?? null, every?.durationMs ?? null, reason, createdBy],
  ]);
  return toSilence(row as SilenceRow);
}

// One row by its primary key. One that has not begun yet ends before it begins, which is at its beginning.
const endSilenceSql = `
  update signalbox.notification_silence set ends_at = greatest(starts_at, $2)
  where id = $1 and (ends_at is null or ends_at > $2)
  returning *`;

/** @returns `undefined` when there is none, or it is over */
export async function endSilence(tx: Queryable, id: string, now: Date): Promise<Silence | undefined> {
  const row = await one<SilenceRow>(tx, endSilenceSql, [id, now]);
  return row && toSilence(row);
}

// Index `notification_outbox_open`: reads the undelivered entries, of which there are few.
const dueNowSql = `
  update signalbox.notification_outbox set due_at = $2 where outcome is null and held_by = $1 and due_at > $2`;

/** What it kept back is judged anew. */
export async function releaseHeld(tx: Queryable, silence: string, now: Date): Promise<void> {
  await tx.query(dueNowSql, [silence, now]);
}

// Index `notification_silence_ends_at` keeps past ones out.
const currentSql = `
  select * from signalbox.notification_silence
  where (ends_at is null or ends_at > $1) and starts_at <= $1
  order by id limit 1000`;

/** Those within whose time `now` lies; a repeated one may be between two of its windows. */
export async function currentSilences(db: Queryable, now: Date): Promise<Silence[]> {
  return (await many<SilenceRow>(db, currentSql, [now])).map(toSilence);
}

// By primary key, newest first.
const listSql = `
  select * from signalbox.notification_silence
  where ($1::uuid is null or id < $1) and ($2 or ends_at is null or ends_at > now())
  order by id desc limit $3`;

export async function listSilences(
  db: Queryable,
  filter: { readonly before?: string | undefined; readonly past?: boolean; readonly limit: number },
): Promise<Silence[]> {
  const { before = null, past = false, limit } = filter;
  return (await many<SilenceRow>(db, listSql, [before, past, limit])).map(toSilence);
}
