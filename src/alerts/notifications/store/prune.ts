import type { Queryable } from '../../../database/queryable.js';

// Of channels that no process has any more; for the others a sender decides. Index `notification_outbox_open`.
const expireSql = `
  update signalbox.notification_outbox set outcome = 'expired', ended_at = $1, claim = null
  where id in (
    select id from signalbox.notification_outbox
    where outcome is null and expires_at < $1::timestamptz - interval '1 hour'
    limit $2 for update skip locked)`;

// Index `notification_outbox_ended`.
const entriesSql = `
  delete from signalbox.notification_outbox where id in (
    select id from signalbox.notification_outbox where outcome is not null and ended_at < $1 limit $2)`;

// Index `notification_delivery_at`.
const deliveriesSql = `
  delete from signalbox.notification_delivery where id in (
    select id from signalbox.notification_delivery where at < $1 limit $2)`;

// Reads the subjects, of which there are as many as there were different alerts. Nothing about these is open.
const subjectsSql = `
  delete from signalbox.notification_subject s
  where state = 'resolved' and flapping_since is null and edge_at < $1
    and not exists (select from signalbox.notification_outbox o
      where o.channel = s.channel and o.fingerprint = s.fingerprint and o.outcome is null)`;

// Index `notification_silence_ends_at`.
const silencesSql = `delete from signalbox.notification_silence where ends_at < $1`;

const batch = 5_000;

/** Removes what was over before `before`, a bounded part at a time. Safe to run anywhere and twice. */
export async function prune(db: Queryable, now: Date, before: Date): Promise<number> {
  await db.query(expireSql, [now, batch]);
  const removed = [
    await db.query(entriesSql, [before, batch]),
    await db.query(deliveriesSql, [before, batch]),
    await db.query(subjectsSql, [before]),
    await db.query(silencesSql, [before]),
  ];
  return removed.reduce((sum, { rowCount }) => sum + (rowCount ?? 0), 0);
}
