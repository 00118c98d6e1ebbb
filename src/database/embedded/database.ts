import { setTimeout as sleep } from 'node:timers/promises';
import pg from 'pg';
import { superuser } from './cluster.js';

/** Name of the database, and of the role that owns it and that Signalbox connects with. */
export const databaseName = 'signalbox';

const connectTimeoutMs = 5_000;
const statementTimeoutMs = 30_000;
/** From the first to the longest pause: every look during a recovery is a line in the server's log. */
const [firstPauseMs, longestPauseMs] = [30, 500];

export function databaseUrl(port: number, password: string): string {
  return `postgres://${databaseName}:${encodeURIComponent(password)}@127.0.0.1:${port}/${databaseName}`;
}

/**
 * Tries until the server answers: it refuses while it starts and while it recovers from a crash, for as long as
 * that takes. The caller aborts it when the server ends or nobody waits any more.
 */
export async function awaitServer(port: number, password: string, signal: AbortSignal): Promise<void> {
  for (let pauseMs = firstPauseMs; ; pauseMs = Math.min(pauseMs * 1.5, longestPauseMs)) {
    signal.throwIfAborted();
    try {
      return await withClient(port, password, async (client) => void (await client.query('SELECT 1')));
    } catch {
      // Refused, starting up, recovering, or another program on the port: only time or the server's end tells.
      await sleep(pauseMs, undefined, { signal });
    }
  }
}

/**
 * Makes the role and its database unless they are there. The role is no superuser: row-level security would
 * not bind it, and a flaw in a statement would reach the whole machine. It may do what an owner on a real
 * server may, and create databases and roles besides.
 */
export async function ensureDatabase(port: number, password: string): Promise<void> {
  await withClient(port, password, async (client) => {
    const roles = await client.query('SELECT 1 FROM pg_roles WHERE rolname = $1', [databaseName]);
    if (roles.rowCount === 0) {
      // One text, one transaction. CREATE ROLE takes no parameters, and a failed statement goes to the log.
      await client.query(
        `SET LOCAL log_min_error_statement = panic;
         CREATE ROLE ${databaseName} LOGIN CREATEDB CREATEROLE PASSWORD ${client.escapeLiteral(password)};
         GRANT pg_monitor TO ${databaseName}`,
      );
    }
    const databases = await client.query('SELECT 1 FROM pg_database WHERE datname = $1', [databaseName]);
    if (databases.rowCount === 0) await client.query(`CREATE DATABASE ${databaseName} OWNER ${databaseName}`);
  });
}

async function withClient<T>(
  port: number,
  password: string,
  use: (client: pg.Client) => Promise<T>,
): Promise<T> {
  const client = new pg.Client({
    host: '127.0.0.1',
    port,
    user: superuser,
    password,
    database: 'postgres',
    ssl: false,
    application_name: 'signalbox supervisor',
    connectionTimeoutMillis: connectTimeoutMs,
    query_timeout: statementTimeoutMs,
  });
  // A lost connection also rejects the statement under way; unheard, the event would end the process.
  client.on('error', () => {});
  try {
    await client.connect();
    return await use(client);
  } finally {
    await client.end();
  }
}
