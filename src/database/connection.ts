import type pg from 'pg';
import { databaseErrors } from './errors.js';

export interface ConnectionOptions {
  readonly url: string;
  /** Shown in `pg_stat_activity`. */
  readonly applicationName: string;
  /** How long a connection may take to be made or to become free, milliseconds. */
  readonly connectTimeoutMs: number;
  /** How long one statement may take, milliseconds. */
  readonly statementTimeoutMs: number;
}

/** What stands at the other end of a connection. */
export interface ServerInfo {
  /** For example 180004. */
  readonly versionNumber: number;
  /**
   * A pooler such as pgbouncer answers instead of the server: session state does not last there,
   * so named statements, LISTEN and session settings are not used.
   */
  readonly pooled: boolean;
}

const oldestVersion = 140_000;

/** `pg`'s options for one connection. `sslmode` means what it means to libpq. */
export function clientConfig(options: ConnectionOptions): pg.ClientConfig {
  return {
    connectionString: withLibpqSslModes(options.url),
    application_name: options.applicationName,
    connectionTimeoutMillis: options.connectTimeoutMs,
    keepAlive: true,
  };
}

/** `pg` reads `sslmode=require` as `verify-full` unless told to follow libpq. */
function withLibpqSslModes(text: string): string {
  const url = new URL(text);
  if (!url.searchParams.has('sslmode') || url.searchParams.has('uselibpqcompat')) return text;
  url.searchParams.set('uselibpqcompat', 'true');
  return url.toString();
}

interface Greeting {
  pid: number;
  version: string;
}

/**
 * Asks a fresh connection who it talks to, and sets the session's limits where a session lasts.
 * A pooler gives its own process id at the handshake, which the server's answer then contradicts.
 */
export async function greet(client: pg.ClientBase, options: ConnectionOptions): Promise<ServerInfo> {
  const answer = await client.query<Greeting>(
    `select pg_backend_pid() as pid, current_setting('server_version_num') as version`,
  );
  const row = answer.rows[0];
  if (!row) throw databaseErrors.database_unavailable('The server answered the greeting with no row.');
  const versionNumber = Number(row.version);
  if (versionNumber < oldestVersion) {
    const version = `${Math.floor(versionNumber / 10_000)}`;
    throw databaseErrors.database_unsupported(`The server is PostgreSQL ${version}; 14 or newer is needed.`);
  }
  const pooled = 'processID' in client && client.processID !== row.pid;
  if (!pooled) {
    await client.query(
      `select set_config('statement_timeout', $1, false),
              set_config('idle_in_transaction_session_timeout', $1, false),
              set_config('TimeZone', 'UTC', false)`,
      [String(options.statementTimeoutMs)],
    );
  }
  return Object.freeze({ versionNumber, pooled });
}
