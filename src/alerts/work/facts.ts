import { many, one, type Queryable } from '../../database/queryable.js';
import { findStuckWork, type WorkFinding } from '../../engine/findings.js';

/** What the rules about work are judged by, read in one go. Milliseconds, by the database's clock. */
export interface WorkFacts {
  readonly findings: readonly WorkFinding[];
  /** How long nobody has done the housekeeping; `null`: somebody does. */
  readonly leaderlessMs: number | null;
  readonly lateSchedules: readonly { readonly name: string; readonly lateMs: number }[];
  readonly paused: readonly {
    readonly kind: 'queue' | 'task';
    readonly name: string;
    readonly pausedMs: number;
  }[];
}

// One row by its primary key. None: the last leader resigned, and nobody has taken over in the moment since.
const leaderlessSql = `
  select (extract(epoch from clock_timestamp() - l.lease_expires_at) * 1000)::float8 as ms
  from signalbox.leader l where l.name = 'housekeeping' and l.lease_expires_at < clock_timestamp()`;

// Partial index `schedule_due`.
const lateSql = `
  select name, (extract(epoch from clock_timestamp() - due_at) * 1000)::float8 as "lateMs"
  from signalbox.schedule where due_at is not null and due_at < clock_timestamp() - interval '30 seconds'
  order by due_at limit 100`;

// The few rows of gates.
const pausedSql = `
  select kind, name, (extract(epoch from clock_timestamp() - paused_at) * 1000)::float8 as "pausedMs"
  from signalbox.gate where paused_at is not null order by paused_at limit 100`;

export async function readWorkFacts(db: Queryable): Promise<WorkFacts> {
  const [findings, leader, lateSchedules, paused] = await Promise.all([
    findStuckWork(db),
    one<{ ms: number }>(db, leaderlessSql, []),
    many<WorkFacts['lateSchedules'][number]>(db, lateSql, []),
    many<WorkFacts['paused'][number]>(db, pausedSql, []),
  ]);
  return Object.freeze({ findings, leaderlessMs: leader?.ms ?? null, lateSchedules, paused });
}
