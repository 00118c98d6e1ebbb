import { many, type Queryable } from '../../database/queryable.js';
import type { StuckWork, WorkFinding } from '../../engine/findings/findings.js';

/** What the rules about work are judged by, read in one go. Milliseconds, by the database's clock. */
export interface WorkFacts {
  readonly findings: readonly WorkFinding[];
  readonly paused: readonly {
    readonly kind: 'queue' | 'task';
    readonly name: string;
    readonly pausedMs: number;
  }[];
}

// The few rows of gates.
const pausedSql = `
  select kind, name, (extract(epoch from clock_timestamp() - paused_at) * 1000)::float8 as "pausedMs"
  from signalbox.gate where paused_at is not null order by paused_at limit 100`;

export async function readWorkFacts(db: Queryable, stuckWork: StuckWork): Promise<WorkFacts> {
  const [findings, paused] = await Promise.all([
    stuckWork.find(),
    many<WorkFacts['paused'][number]>(db, pausedSql, []),
  ]);
  return Object.freeze({ findings, paused });
}
