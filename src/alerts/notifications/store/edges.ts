import type { Queryable } from '../../../database/queryable.js';
import { newId } from '../../../foundation/ids.js';
import { type Channel, wants } from '../channel.js';
import { type AlertEdge, fingerprintOf } from '../edge.js';
import { expiryMs, groupWaitMs, newEdgeRetryMs } from '../times.js';
import { type FactsRow, factsRowOf } from './facts.js';

interface EdgeRow {
  readonly id: string;
  readonly channel: string;
  readonly fingerprint: string;
  readonly alert_id: string;
  readonly state: AlertEdge['state'];
  readonly at: Date;
  readonly due_at: Date;
  readonly expires_at: Date;
  readonly facts: FactsRow;
}

/**
 * Records what is to be told, one row for each edge and channel, in the transaction that changes the alerts: neither
 * is there without the other. Recording an edge again changes nothing. Locks the channels, then the subjects, each in
 * the order of their names, as every other writer here does.
 */
export async function recordEdges(
  tx: Queryable,
  edges: readonly AlertEdge[],
  channels: readonly Channel[],
): Promise<void> {
  const rows = channels
    .flatMap((channel) =>
      edges.filter(({ severity }) => wants(channel, severity)).map((e) => toRow(channel, e)),
    )
    .sort((a, b) => order(a, b) || a.at.getTime() - b.at.getTime());
  if (rows.length === 0) return;
  const newest = rows.filter((row, index) => {
    const next = rows[index + 1];
    return next === undefined || order(row, next) !== 0;
  });
  await bringForward(tx, rows);
  await saveSubjects(tx, newest);
  await insertEdges(tx, rows);
}

function toRow(channel: Channel, edge: AlertEdge): EdgeRow {
  return {
    id: newId(),
    channel: channel.name,
    fingerprint: fingerprintOf(edge.rule, edge.labels),
    alert_id: edge.alertId,
    state: edge.state,
    at: edge.at,
    due_at: new Date(edge.at.getTime() + groupWaitMs),
    expires_at: new Date(edge.at.getTime() + expiryMs),
    facts: factsRowOf(edge),
  };
}

function order(a: EdgeRow, b: EdgeRow): number {
  if (a.channel !== b.channel) return a.channel < b.channel ? -1 : 1;
  return a.fingerprint === b.fingerprint ? 0 : a.fingerprint < b.fingerprint ? -1 : 1;
}

// By primary key, in the order of the names. A channel that fails is tried again soon, unless it was told to wait.
const bringForwardSql = `
  insert into signalbox.notification_channel as c (channel)
  select name from unnest($1::text[]) as name order by name
  on conflict (channel) do update set not_before = $2 where c.not_before > $2`;

async function bringForward(tx: Queryable, rows: readonly EdgeRow[]): Promise<void> {
  const names = [...new Set(rows.map(({ channel }) => channel))];
  const last = Math.max(...rows.map(({ at }) => at.getTime()));
  await tx.query(bringForwardSql, [names, new Date(last + newEdgeRetryMs)]);
}

// By primary key, in its order. An older edge that comes late does not hide a newer one.
const saveSubjectsSql = `
  insert into signalbox.notification_subject as s (channel, fingerprint, alert_id, state, edge_at, facts)
  select channel, fingerprint, alert_id, state, at, facts
  from jsonb_to_recordset($1::jsonb)
    as r (channel text, fingerprint text, alert_id uuid, state text, at timestamptz, facts jsonb)
  order by channel, fingerprint
  on conflict (channel, fingerprint) do update
  set alert_id = excluded.alert_id, state = excluded.state, edge_at = excluded.edge_at, facts = excluded.facts,
      reminders = case when s.alert_id = excluded.alert_id then s.reminders else 0 end,
      remind_at = case when s.alert_id = excluded.alert_id and excluded.state = 'firing' then s.remind_at end,
      acknowledged_at = case when s.alert_id = excluded.alert_id then s.acknowledged_at end,
      acknowledged_by = case when s.alert_id = excluded.alert_id then s.acknowledged_by end
  where s.edge_at <= excluded.edge_at`;

async function saveSubjects(tx: Queryable, rows: readonly EdgeRow[]): Promise<void> {
  await tx.query(saveSubjectsSql, [JSON.stringify(rows)]);
}

// The unique key of alert, channel and kind makes a repeated edge none.
const insertEdgesSql = `
  insert into signalbox.notification_outbox
    (id, channel, fingerprint, alert_id, kind, at, due_at, expires_at, facts)
  select id, channel, fingerprint, alert_id, state, at, due_at, expires_at, facts
  from jsonb_to_recordset($1::jsonb)
    as r (id uuid, channel text, fingerprint text, alert_id uuid, state text, at timestamptz, due_at timestamptz,
          expires_at timestamptz, facts jsonb)
  on conflict (alert_id, channel, kind, number) do nothing`;

async function insertEdges(tx: Queryable, rows: readonly EdgeRow[]): Promise<void> {
  await tx.query(insertEdgesSql, [JSON.stringify(rows)]);
}
