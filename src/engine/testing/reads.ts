import type { Database } from '../../database/database.js';
import type { Queryable } from '../../database/queryable.js';

/** What one piece of work read. */
export interface Reads {
  /** Rows of a table that sequential scans read, and live ones that index scans fetched. */
  table(name: string): { readonly sequential: number; readonly indexed: number };
  /** How often an index was used. */
  index(name: string): number;
}

interface Count {
  readonly name: string;
  readonly sequential: number;
  readonly indexed: number;
  readonly scans: number;
}

// The counters of this connection's own transaction: exact, at once, and nobody else's, on every version.
const countsSql = `
  select c.relname as name, pg_stat_get_xact_numscans(c.oid)::float8 as scans,
         case when c.relkind = 'r' then pg_stat_get_xact_tuples_returned(c.oid) else 0 end::float8 as sequential,
         coalesce((select sum(pg_stat_get_xact_tuples_fetched(i.indexrelid)) from pg_index i where i.indrelid = c.oid), 0)
           ::float8 + pg_stat_get_xact_tuples_fetched(c.oid)::float8 as indexed
  from pg_class c where c.relnamespace = 'signalbox'::regnamespace and c.relkind in ('r', 'i')`;

/** Runs the work in a transaction of its own, which is committed. */
export async function readsOf(db: Database, work: (tx: Queryable) => Promise<unknown>): Promise<Reads> {
  return db.transaction(async (tx) => {
    const before = await counts(tx);
    await work(tx);
    const after = await counts(tx);
    const of = (name: string, field: 'sequential' | 'indexed' | 'scans'): number => {
      const now = after.get(name);
      if (now === undefined) throw new Error(`there is no table or index ${name}`);
      return now[field] - (before.get(name)?.[field] ?? 0);
    };
    return {
      table: (name) => ({ sequential: of(name, 'sequential'), indexed: of(name, 'indexed') }),
      index: (name) => of(name, 'scans'),
    };
  });
}

async function counts(tx: Queryable): Promise<ReadonlyMap<string, Count>> {
  return new Map((await tx.query<Count>(countsSql)).rows.map((row) => [row.name, row]));
}
