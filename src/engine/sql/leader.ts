import type { Queryable } from '../../database/queryable.js';

// A row or two; no lock.
const leaderSql = `
  select holder, (extract(epoch from now() - elected_at) * 1000)::float8 as since_ms
  from signalbox.leader where name = 'housekeeping' and lease_expires_at > now()`;

/** Who does the housekeeping, and for how long, milliseconds; `undefined`: nobody at the moment. */
export async function readLeader(db: Queryable): Promise<{ holder: string; sinceMs: number } | undefined> {
  const row = (await db.query<{ holder: string; since_ms: number }>(leaderSql)).rows[0];
  return row && { holder: row.holder, sinceMs: row.since_ms };
}
