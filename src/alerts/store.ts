import { many, one, type Queryable } from '../database/queryable.js';
import type { Alert } from './alert.js';

const columns = `id, rule, labels, severity, state, value, summary, remedy, page, since, seen_at as "seenAt",
  fired_at as "firedAt", resolved_at as "resolvedAt", acknowledged_at as "acknowledgedAt",
  acknowledged_by as "acknowledgedBy"`;

// Until the transaction ends: a leader whose lease ran out while it gathered must not write beside the next one.
const lockSql = `select pg_advisory_xact_lock(7244325003)`;

/** @returns the database's clock */
export async function lockEvaluation(tx: Queryable): Promise<Date> {
  await tx.query(lockSql, []);
  const row = await one<{ now: Date }>(tx, `select date_trunc('milliseconds', clock_timestamp()) as now`, []);
  return (row as { now: Date }).now;
}

// Partial index `alert_open`: a handful of rows, however long the history is.
const openSql = `select ${columns} from signalbox.alert where state <> 'resolved' order by since, id`;

/** Pending and firing, the longest first. */
export async function openAlerts(db: Queryable): Promise<Alert[]> {
  return many<Alert>(db, openSql, []);
}

// By primary key.
const findSql = `select ${columns} from signalbox.alert where id = $1`;

export async function findAlert(db: Queryable, id: string): Promise<Alert | undefined> {
  return one<Alert>(db, findSql, [id]);
}

// Partial index `alert_history`.
const resolvedSql = `
  select ${columns} from signalbox.alert
  where state = 'resolved' and ($1::timestamptz is null or (resolved_at, id) < ($1, $2::uuid))
  order by resolved_at desc, id desc limit $3`;

export interface HistoryPage {
  /** The last one of the page before. */
  readonly after?: { readonly resolvedAt: Date; readonly id: string } | undefined;
  readonly limit: number;
}

/** What fired and has ended, the last first. */
export async function resolvedAlerts(db: Queryable, { after, limit }: HistoryPage): Promise<Alert[]> {
  return many<Alert>(db, resolvedSql, [after?.resolvedAt ?? null, after?.id ?? null, limit]);
}

// By primary key; the acknowledgement is a person's and stays.
const saveSql = `
  insert into signalbox.alert
    (id, rule, labels, severity, state, value, summary, remedy, page, since, seen_at, fired_at, resolved_at)
  select a.id, a.rule, a.labels, a.severity, a.state, a.value, a.summary, a.remedy, a.page, a.since, a."seenAt",
         a."firedAt", a."resolvedAt"
  from jsonb_to_recordset($1::jsonb) as a(
    id uuid, rule text, labels jsonb, severity text, state text, value double precision, summary text, remedy text,
    page text, since timestamptz, "seenAt" timestamptz, "firedAt" timestamptz, "resolvedAt" timestamptz)
  on conflict (id) do update
  set severity = excluded.severity, state = excluded.state, value = excluded.value, summary = excluded.summary,
      remedy = excluded.remedy, page = excluded.page, seen_at = excluded.seen_at, fired_at = excluded.fired_at,
      resolved_at = excluded.resolved_at`;

export async function saveAlerts(tx: Queryable, alerts: readonly Alert[]): Promise<void> {
  if (alerts.length > 0) await tx.query(saveSql, [JSON.stringify(alerts)]);
}

// By primary key.
const forgetSql = `delete from signalbox.alert where id = any($1::uuid[]) and state = 'pending'`;

export async function forgetAlerts(tx: Queryable, alerts: readonly Alert[]): Promise<void> {
  if (alerts.length > 0) await tx.query(forgetSql, [alerts.map(({ id }) => id)]);
}

const noteSql = `
  insert into signalbox.alert_evaluation (evaluated_at, unknown) values ($1, $2)
  on conflict (only_one) do update set evaluated_at = excluded.evaluated_at, unknown = excluded.unknown`;

export async function noteEvaluation(tx: Queryable, at: Date, unknown: readonly string[]): Promise<void> {
  await tx.query(noteSql, [at, unknown]);
}

export interface EvaluationNote {
  /** When the rules were last looked at, by any process. */
  readonly evaluatedAt: Date;
  readonly ageMs: number;
  /** Rules that could not be judged then. */
  readonly unknown: readonly string[];
}

const lastSql = `
  select evaluated_at as "evaluatedAt", unknown,
         greatest(0, extract(epoch from clock_timestamp() - evaluated_at) * 1000)::float8 as "ageMs"
  from signalbox.alert_evaluation`;

/** `undefined` when there was none yet. */
export async function lastEvaluation(db: Queryable): Promise<EvaluationNote | undefined> {
  return one<EvaluationNote>(db, lastSql, []);
}

// By primary key. A resolved one needs no acknowledgement.
const acknowledgeSql = `
  update signalbox.alert
  set acknowledged_at = coalesce(acknowledged_at, now()), acknowledged_by = coalesce(acknowledged_by, $2)
  where id = $1 and state <> 'resolved'
  returning ${columns}`;

/** Somebody looks after it. The first one stays. @returns `undefined` when there is no such open alert */
export async function acknowledgeAlert(db: Queryable, id: string, by: string): Promise<Alert | undefined> {
  return one<Alert>(db, acknowledgeSql, [id, by]);
}

// Partial index `alert_history`, from its far end.
const pruneSql = `
  delete from signalbox.alert where id in (
    select id from signalbox.alert where state = 'resolved' and resolved_at < now() - $1 * interval '1 millisecond'
    order by resolved_at limit 1000)`;

/** Removes what was resolved that long ago, at most 1,000 of them. */
export async function pruneAlerts(db: Queryable, keepMs: number): Promise<void> {
  await db.query(pruneSql, [keepMs]);
}
