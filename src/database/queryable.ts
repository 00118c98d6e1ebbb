/** Rows of one statement, and how many it touched. */
export interface QueryResult<Row> {
  readonly rows: Row[];
  readonly rowCount: number | null;
}

/**
 * Anything that runs SQL: our database, a transaction in it, or a caller's own `pg` client,
 * so that `enqueue(tx, …)` works inside any transaction a Node service has open.
 */
export interface Queryable {
  query<Row extends object>(text: string, values?: unknown[]): Promise<QueryResult<Row>>;
}

/** The first row, or `undefined`. */
export async function one<Row extends object>(
  db: Queryable,
  text: string,
  values: unknown[],
): Promise<Row | undefined> {
  return (await db.query<Row>(text, values)).rows[0];
}

/** All rows. */
export async function many<Row extends object>(
  db: Queryable,
  text: string,
  values: unknown[],
): Promise<Row[]> {
  return (await db.query<Row>(text, values)).rows;
}
