import type { Database } from '../../database/database.js';
import { one, type Queryable } from '../../database/queryable.js';
import { addUpTally } from '../../engine/sql/rescue.js';

const dayMs = 86_400_000;
export const keepMinutesMs: number = 7 * dayMs;
export const keepHoursMs: number = 90 * dayMs;

// One row, last, so that who waits for it waits for nothing else. `now()` is from before the statement that adds up took
// its snapshot: what was committed until then is counted.
const countedSql = `update signalbox.history_state set counted_to = greatest(counted_to, now())`;

/** Counts every change that is committed by now. Safe to run anywhere, at any time, twice. */
export async function countChanges(db: Database): Promise<void> {
  await db.transaction(async (tx) => {
    await addUpTally(tx, 0);
    await tx.query(countedSql, []);
  });
}

// From the beginning of the primary key, at most so many rows.
const pruneSql = (table: string, last: string) => `
  delete from signalbox.${table} where (step, at, ${last}) in (
    select step, at, ${last} from signalbox.${table}
    where step = $1 and at < now() - $2 * interval '1 millisecond' order by step, at, ${last} limit $3)`;
const pruneJobsSql = pruneSql('history', 'lane_id');
const pruneRequestsSql = pruneSql('history_request', 'process');

/** Removes what is too old, at most `limit` rows of each kind. @returns how many went */
export async function pruneHistory(db: Queryable, limit: number): Promise<number> {
  let removed = 0;
  for (const sql of [pruneJobsSql, pruneRequestsSql]) {
    removed += (await db.query(sql, [60, keepMinutesMs, limit])).rowCount ?? 0;
    removed += (await db.query(sql, [3_600, keepHoursMs, limit])).rowCount ?? 0;
  }
  return removed;
}

/** What the history of jobs vouches for: from `since` up to `countedTo`. */
export interface HistoryState {
  readonly since: Date;
  /** `null`: nobody has counted yet, so nothing is known. */
  readonly countedTo: Date | null;
  /** How long ago that is, milliseconds. */
  readonly ageMs: number | null;
  /** The database's clock. */
  readonly now: Date;
}

// One row.
const stateSql = `
  select since, counted_to as "countedTo", clock_timestamp() as now,
         case when counted_to is not null
              then greatest(extract(epoch from clock_timestamp() - counted_to) * 1000, 0)::float8 end as "ageMs"
  from signalbox.history_state`;

export async function historyState(db: Queryable): Promise<HistoryState> {
  return Object.freeze((await one<HistoryState>(db, stateSql, [])) as HistoryState);
}
