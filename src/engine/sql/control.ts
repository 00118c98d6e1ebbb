import type { Queryable } from '../../database/queryable.js';

const cancelSql = `select signalbox.cancel($1) as found`;

/**
 * Ends a waiting job at once; a running one is only asked to, its worker ends it.
 * @returns what it did; `undefined` when there is no such job or it has ended
 */
export async function requestCancel(
  db: Queryable,
  id: string,
): Promise<'cancelled' | 'processing' | undefined> {
  const { rows } = await db.query<{ found: 'cancelled' | 'processing' | null }>(cancelSql, [id]);
  return rows[0]?.found ?? undefined;
}

const retrySql = `select signalbox.retry($1) as id`;

/** @returns false when there is no such job, it is neither failed nor cancelled, or another has its unique key */
export async function requeue(db: Queryable, id: string): Promise<boolean> {
  return (await db.query<{ id: string | null }>(retrySql, [id])).rows[0]?.id === id;
}
