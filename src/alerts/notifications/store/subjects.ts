import { many, type Queryable } from '../../../database/queryable.js';
import type { Subject, Told } from '../policy/entry.js';
import { type FactsRow, factsOf } from './facts.js';

interface SubjectRow {
  readonly fingerprint: string;
  readonly alert_id: string;
  readonly state: 'firing' | 'resolved';
  readonly edge_at: Date;
  readonly facts: FactsRow;
  readonly told: Told;
  readonly remind_at: Date | null;
  readonly flapping_since: Date | null;
  readonly settled_at: Date | null;
  readonly acknowledged_at: Date | null;
}

const columns = `fingerprint, alert_id, state, edge_at, facts, told, remind_at, flapping_since, settled_at,
  acknowledged_at`;

function toSubject(row: SubjectRow): Subject {
  return Object.freeze({
    fingerprint: row.fingerprint,
    alertId: row.alert_id,
    state: row.state,
    edgeAt: row.edge_at,
    facts: factsOf(row.facts),
    told: row.told,
    remindAt: row.remind_at,
    flappingSince: row.flapping_since,
    settledAt: row.settled_at,
    acknowledgedAt: row.acknowledged_at,
  });
}

// By primary key, in its order. Locked until the transaction ends.
const lockSubjectsSql = `
  select ${columns} from signalbox.notification_subject
  where channel = $1 and fingerprint = any($2)
  order by fingerprint for update`;

export async function lockSubjects(
  tx: Queryable,
  channel: string,
  fingerprints: readonly string[],
): Promise<Subject[]> {
  return (await many<SubjectRow>(tx, lockSubjectsSql, [channel, fingerprints])).map(toSubject);
}

// Indexes `notification_subject_remind` and `notification_subject_flapping`.
const tendableSql = `
  select fingerprint from signalbox.notification_subject
  where channel = $1 and remind_at <= $2
  union
  select fingerprint from signalbox.notification_subject
  where channel = $1 and flapping_since is not null and edge_at <= $3
  limit 500`;

/** Subjects whose reminder is due, and flapping ones without an edge since `stableSince`. */
export async function tendable(
  tx: Queryable,
  channel: string,
  now: Date,
  stableSince: Date,
): Promise<string[]> {
  const rows = await many<{ fingerprint: string }>(tx, tendableSql, [channel, now, stableSince]);
  return rows.map(({ fingerprint }) => fingerprint);
}

// One row by its primary key, locked by this transaction.
const saveFlappingSql = `
  update signalbox.notification_subject set flapping_since = $3, settled_at = $4, remind_at = null
  where channel = $1 and fingerprint = $2`;

export async function saveFlapping(
  tx: Queryable,
  channel: string,
  fingerprint: string,
  flapping: { readonly since: Date | null; readonly settledAt: Date | null },
): Promise<void> {
  await tx.query(saveFlappingSql, [channel, fingerprint, flapping.since, flapping.settledAt]);
}

// One row by its primary key, locked by this transaction. What is resolved by now needs no reminder.
const saveRemindSql = `
  update signalbox.notification_subject
  set remind_at = case when state = 'firing' and flapping_since is null then $3::timestamptz end
  where channel = $1 and fingerprint = $2`;

export async function saveRemindAt(
  tx: Queryable,
  channel: string,
  fingerprint: string,
  at: Date | null,
): Promise<void> {
  await tx.query(saveRemindSql, [channel, fingerprint, at]);
}

// One row by its primary key. The number of the reminder that was sent decides when the next one comes.
const saveToldSql = `
  update signalbox.notification_subject
  set told = $3, told_at = $4, reminders = case when $5 then reminders + 1 else reminders end
  where channel = $1 and fingerprint = $2
  returning reminders`;

/** @returns how many reminders were sent since it began to fire */
export async function saveTold(
  tx: Queryable,
  channel: string,
  fingerprint: string,
  told: { readonly told: Told; readonly at: Date; readonly reminder: boolean },
): Promise<number> {
  const values = [channel, fingerprint, told.told, told.at, told.reminder];
  return (await many<{ reminders: number }>(tx, saveToldSql, values))[0]?.reminders ?? 0;
}

// By primary key. Who surely knows of it is not made unsure.
const saveUncertainSql = `
  update signalbox.notification_subject set told = 'perhaps'
  where channel = $1 and fingerprint = any($2) and told in ('nothing', 'resolved')`;

/** An alarm about them was sent, and nobody knows whether it arrived. */
export async function saveUncertain(
  tx: Queryable,
  channel: string,
  fingerprints: readonly string[],
): Promise<void> {
  if (fingerprints.length > 0) await tx.query(saveUncertainSql, [channel, fingerprints]);
}

// Index `notification_subject_alert`; locked in the order that all writers keep.
const acknowledgeSql = `
  with known as (
    select channel, fingerprint from signalbox.notification_subject
    where alert_id = $1 and state = 'firing' order by channel, fingerprint for update)
  update signalbox.notification_subject s
  set acknowledged_at = coalesce(acknowledged_at, now()), acknowledged_by = coalesce(acknowledged_by, $2),
      remind_at = null
  from known k where s.channel = k.channel and s.fingerprint = k.fingerprint`;

/** No more reminders of this firing, on no channel. @returns whether any channel knows it as firing */
export async function acknowledge(db: Queryable, alertId: string, by: string): Promise<boolean> {
  const { rowCount } = await db.query(acknowledgeSql, [alertId, by]);
  return (rowCount ?? 0) > 0;
}
