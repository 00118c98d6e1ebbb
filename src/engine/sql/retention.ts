import type { Queryable } from '../../database/queryable.js';

/** How long ended jobs are kept, milliseconds from their end; `null`: for ever. */
export interface KeepTimes {
  readonly succeededMs: number | null;
  readonly failedMs: number | null;
  readonly cancelledMs: number | null;
}

export interface Forgotten {
  /** Ended jobs that were looked at. Fewer than asked for: there are no more for now. */
  readonly seen: number;
  readonly removed: number;
  /** The last of them: where to go on. */
  readonly last: string | null;
}

// Primary key of `finished`, from the cursor on. Row locks on what is removed; rows that somebody else has locked, a
// retry say, are skipped. Not under the lock of the claims: nothing here can be claimed.
const forgetSql = `select seen, removed, last from signalbox.forget($1, $2, $3, $4, $5)`;

/** Looks at up to `limit` ended jobs after `after` and removes those whose time is over, and all that belongs to them. */
export async function forgetJobs(
  db: Queryable,
  { after, limit, keep }: { after: string | null; limit: number; keep: KeepTimes },
): Promise<Forgotten> {
  const values = [after, limit, keep.succeededMs, keep.failedMs, keep.cancelledMs];
  const row = (await db.query<Forgotten>(forgetSql, values)).rows[0];
  return row ?? { seen: 0, removed: 0, last: after };
}
