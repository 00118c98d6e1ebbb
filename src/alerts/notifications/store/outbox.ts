import { many, type Queryable } from '../../../database/queryable.js';
import { newId } from '../../../foundation/ids.js';
import type { Entry, EntryKind, Subject } from '../policy/entry.js';
import type { Drop } from '../policy/judge.js';
import { expiryMs } from '../times.js';
import { type FactsRow, factsOf } from './facts.js';

interface EntryRow {
  readonly id: string;
  readonly fingerprint: string;
  readonly alert_id: string;
  readonly kind: EntryKind;
  /** bigint comes as text. */
  readonly number: string;
  readonly at: Date;
  readonly expires_at: Date;
  readonly tries: number;
  readonly held_by: string | null;
  readonly facts: FactsRow;
}

function toEntry(row: EntryRow): Entry {
  return Object.freeze({
    id: row.id,
    fingerprint: row.fingerprint,
    alertId: row.alert_id,
    kind: row.kind,
    number: Number(row.number),
    at: row.at,
    expiresAt: row.expires_at,
    tries: row.tries,
    heldBy: row.held_by,
    facts: factsOf(row.facts),
  });
}

const columns = 'id, fingerprint, alert_id, kind, number, at, expires_at, tries, held_by, facts';

// Indexes `notification_outbox_open` for what is due, `notification_outbox_open_subject` for what belongs to it.
const openEntriesSql = `
  with due as (
    select fingerprint, min(due_at) as first from signalbox.notification_outbox
    where channel = $1 and outcome is null and due_at <= $3
    group by fingerprint order by first, fingerprint limit $4)
  select ${columns} from signalbox.notification_outbox o
  where channel = $1 and outcome is null and fingerprint in (select fingerprint from due)
    and exists (select from due where first <= $2)
  order by at, id limit 5000`;

/**
 * All that is undelivered about subjects with something due by `horizon`; nothing while nothing is due at `now`.
 * Oldest first.
 */
export async function openEntries(
  tx: Queryable,
  channel: string,
  when: { readonly now: Date; readonly horizon: Date; readonly subjects: number },
): Promise<Entry[]> {
  const values = [channel, when.now, when.horizon, when.subjects];
  return (await many<EntryRow>(tx, openEntriesSql, values)).map(toEntry);
}

// Index `notification_outbox_edges`, one walk for each subject.
const edgeTimesSql = `
  select fingerprint, at from signalbox.notification_outbox
  where channel = $1 and fingerprint = any($2) and kind in ('firing', 'resolved') and at > $3`;

/** When the subjects changed since `after`, whatever became of those edges. */
export async function edgeTimes(
  tx: Queryable,
  channel: string,
  fingerprints: readonly string[],
  after: Date,
): Promise<{ fingerprint: string; at: Date }[]> {
  return many(tx, edgeTimesSql, [channel, fingerprints, after]);
}

const insertMadeSql = `
  insert into signalbox.notification_outbox
    (id, channel, fingerprint, alert_id, kind, number, at, due_at, expires_at, facts)
  select $1, s.channel, s.fingerprint, s.alert_id, $4, $5, $6, $6, $7, s.facts
  from signalbox.notification_subject s where s.channel = $2 and s.fingerprint = $3
  on conflict (alert_id, channel, kind, number) do nothing
  returning ${columns}`;

/** What policy says about a subject by itself. Due at once. */
export async function insertMade(
  tx: Queryable,
  channel: string,
  subject: Subject,
  kind: 'flapping' | 'settled' | 'reminder',
  now: Date,
): Promise<Entry[]> {
  const expires = new Date(now.getTime() + expiryMs);
  const values = [newId(), channel, subject.fingerprint, kind, now.getTime(), now, expires];
  return (await many<EntryRow>(tx, insertMadeSql, values)).map(toEntry);
}

// By primary key. An entry that somebody ended meanwhile stays as it is.
const endEntriesSql = `
  update signalbox.notification_outbox o
  set outcome = r.outcome, ended_at = $2, claim = null
  from jsonb_to_recordset($1::jsonb) as r (id uuid, outcome text)
  where o.id = r.id and o.outcome is null`;

export async function endEntries(
  tx: Queryable,
  ends: readonly { readonly id: string; readonly outcome: Drop | 'delivered' | 'rejected' }[],
  now: Date,
): Promise<void> {
  if (ends.length > 0) await tx.query(endEntriesSql, [JSON.stringify(ends), now]);
}

// By primary key. Its age counts from the end of the silence: it must not expire in it.
const holdEntriesSql = `
  update signalbox.notification_outbox o
  set held_by = r.by, due_at = r.until, expires_at = r.expires
  from jsonb_to_recordset($1::jsonb) as r (id uuid, by uuid, until timestamptz, expires timestamptz)
  where o.id = r.id and o.outcome is null`;

export async function holdEntries(
  tx: Queryable,
  holds: readonly { readonly id: string; readonly by: string; readonly until: Date }[],
): Promise<void> {
  if (holds.length === 0) return;
  const rows = holds.map((hold) => ({ ...hold, expires: new Date(hold.until.getTime() + expiryMs) }));
  await tx.query(holdEntriesSql, [JSON.stringify(rows)]);
}

// By primary key.
const claimEntriesSql = `
  update signalbox.notification_outbox set claim = $2, held_by = null where id = any($1::uuid[])`;

export async function claimEntries(tx: Queryable, ids: readonly string[], claim: string): Promise<void> {
  await tx.query(claimEntriesSql, [ids, claim]);
}

// By primary key: back to where they were before the attempt.
const releaseEntriesSql = `
  update signalbox.notification_outbox set claim = null, tries = tries + $2
  where id = any($1::uuid[]) and outcome is null`;

export async function releaseEntries(tx: Queryable, ids: readonly string[], tries: 0 | 1): Promise<void> {
  await tx.query(releaseEntriesSql, [ids, tries]);
}

// Index `notification_outbox_open`: the few undelivered entries of the channel.
const releaseLostSql = `
  update signalbox.notification_outbox set claim = null
  where channel = $1 and outcome is null and claim = $2
  returning ${columns}`;

/** Gives back what a dead sender had. @returns its entries, which may have arrived */
export async function releaseLost(tx: Queryable, channel: string, claim: string): Promise<Entry[]> {
  return (await many<EntryRow>(tx, releaseLostSql, [channel, claim])).map(toEntry);
}
