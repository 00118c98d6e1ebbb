import type { Queryable } from '../../database/queryable.js';
import type { Limits } from '../gates.js';
import type { Rate } from '../task.js';

export type GateKind = 'queue' | 'task';

export interface Gate {
  readonly kind: GateKind;
  readonly name: string;
  readonly pausedAt: Date | null;
  readonly maxRunning: number | null;
  readonly rate: Rate | null;
  readonly closedUntil: Date | null;
  /** Running jobs that hold a slot of it. */
  readonly inUse: number;
}

// One row by its primary key, under the lock of the claims: none that is under way comes after it.
const pauseSql = `
  insert into signalbox.gate as g (kind, name, paused_at)
  select $1, $2, case when $3::boolean then now() end from (select signalbox.lock_claims()) as locked
  on conflict (kind, name) do update set paused_at = case when $3::boolean then coalesce(g.paused_at, now()) end
  returning pg_notify('signalbox', case when $3::boolean then 'gate:' || kind || ':' || name else 'resync:' end)`;

export async function pauseGate(db: Queryable, kind: GateKind, name: string, paused: boolean): Promise<void> {
  await db.query(pauseSql, [kind, name, paused]);
}

// Under the lock of the claims: what runs already takes its slots before the next claim counts them.
const limitSql = `select signalbox.set_limits($1, $2, $3, $4, $5, $6, $7, null)`;

export async function setLimits(
  db: Queryable,
  kind: GateKind,
  name: string,
  { maxRunning, rate }: Limits,
): Promise<void> {
  const values = [kind, name, maxRunning !== undefined, maxRunning, rate !== undefined];
  await db.query(limitSql, [...values, rate?.count, rate?.periodMs]);
}

const declareSql = `
  select signalbox.set_limits(d.kind, d.name, true, d.max_running, true, d.rate_count, d.rate_period_ms, d.declared)
  from jsonb_to_recordset($1::jsonb)
       as d(kind text, name text, max_running integer, rate_count integer, rate_period_ms integer, declared jsonb)
  left join signalbox.gate g on g.kind = d.kind and g.name = d.name
  where coalesce(g.declared, '{}') <> d.declared
  order by d.kind, d.name`;

/** Sets what differs from what was declared last. What was set at run time since then is overridden only by that. */
export async function declareLimits(
  db: Queryable,
  declared: readonly { readonly kind: GateKind; readonly name: string; readonly limits: Limits }[],
): Promise<void> {
  const rows = declared.map(({ kind, name, limits: { maxRunning, rate } }) => ({
    kind,
    name,
    max_running: maxRunning,
    rate_count: rate?.count,
    rate_period_ms: rate?.periodMs,
    declared: { ...(maxRunning == null ? {} : { maxRunning }), ...(rate == null ? {} : { rate }) },
  }));
  await db.query(declareSql, [JSON.stringify(rows)]);
}

// The same; the time runs from when the lock was had.
const closeSql = `
  insert into signalbox.gate as g (kind, name, closed_until)
  select $1, $2, clock_timestamp() + $3::float8 * interval '1 millisecond' from (select signalbox.lock_claims()) as locked
  on conflict (kind, name) do update set closed_until = greatest(g.closed_until, excluded.closed_until)
  returning pg_notify('signalbox', 'gate:' || kind || ':' || name)`;

export async function closeGate(db: Queryable, kind: GateKind, name: string, ms: number): Promise<void> {
  await db.query(closeSql, [kind, name, ms]);
}

const listSql = `
  select g.kind, g.name, g.paused_at, g.max_running, g.rate_count, g.rate_period_ms, g.closed_until,
         (select count(*)::integer from signalbox.slot s where s.limiter = g.kind || ':' || g.name) as in_use
  from signalbox.gate g order by g.kind, g.name`;

interface GateRow {
  kind: GateKind;
  name: string;
  paused_at: Date | null;
  max_running: number | null;
  rate_count: number | null;
  rate_period_ms: number | null;
  closed_until: Date | null;
  in_use: number;
}

export async function listGates(db: Queryable): Promise<Gate[]> {
  return (await db.query<GateRow>(listSql)).rows.map((row) =>
    Object.freeze({
      kind: row.kind,
      name: row.name,
      pausedAt: row.paused_at,
      maxRunning: row.max_running,
      rate:
        row.rate_count === null || row.rate_period_ms === null
          ? null
          : { count: row.rate_count, periodMs: row.rate_period_ms },
      closedUntil: row.closed_until,
      inUse: row.in_use,
    }),
  );
}
