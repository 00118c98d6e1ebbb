import { defineSection } from '../config/section.js';
import { duration, integer, text, url } from '../config/setting.js';

const schemes = ['postgres', 'postgresql'];

export const databaseSection = defineSection({
  name: 'database',
  settings: {
    url: url({
      env: 'DATABASE_URL',
      help: 'PostgreSQL to use, 14 or newer. Unset: the embedded one.',
      secret: true,
      fallback: undefined,
      schemes,
    }),
    directUrl: url({
      env: 'DATABASE_DIRECT_URL',
      help: 'The same database without a pooler in between; used for LISTEN and migrations behind pgbouncer.',
      secret: true,
      fallback: undefined,
      schemes,
    }),
    server: text({
      env: 'POSTGRES_SERVER',
      help: 'Database host, when DATABASE_URL is unset.',
      fallback: undefined,
    }),
    port: integer({ env: 'POSTGRES_PORT', help: 'Database port.', fallback: 5432, min: 1, max: 65_535 }),
    user: text({ env: 'POSTGRES_USER', help: 'Database user.', fallback: 'postgres' }),
    password: text({
      env: 'POSTGRES_PASSWORD',
      help: 'Password of the database user.',
      secret: true,
      fallback: undefined,
    }),
    name: text({ env: 'POSTGRES_DB', help: 'Database name.', fallback: 'postgres' }),
    poolSize: integer({
      env: 'DATABASE_POOL_SIZE',
      help: 'Connections that one process may hold, besides one for LISTEN, one for its vitals and one for the heartbeat of each worker.',
      fallback: 10,
      min: 2,
      max: 1_000,
    }),
    connectTimeoutMs: duration({
      env: 'DATABASE_CONNECT_TIMEOUT',
      help: 'How long to wait for a connection.',
      fallback: 5_000,
      minMs: 100,
      maxMs: 120_000,
    }),
    statementTimeoutMs: duration({
      env: 'DATABASE_STATEMENT_TIMEOUT',
      help: 'How long one statement may take.',
      fallback: 15_000,
      minMs: 100,
      maxMs: 600_000,
    }),
  },
  check: (values) =>
    values.directUrl && !values.url && !values.server
      ? ['DATABASE_DIRECT_URL is set, but DATABASE_URL is not: set both or neither.']
      : [],
});

/** The URL the settings ask for; `undefined` means the embedded server. */
export function databaseUrlFrom(values: {
  readonly url: string | undefined;
  readonly server: string | undefined;
  readonly port: number;
  readonly user: string;
  readonly password: string | undefined;
  readonly name: string;
}): string | undefined {
  if (values.url !== undefined) return values.url;
  if (values.server === undefined) return undefined;
  const password = values.password === undefined ? '' : `:${encodeURIComponent(values.password)}`;
  const user = `${encodeURIComponent(values.user)}${password}`;
  return `postgres://${user}@${values.server}:${values.port}/${encodeURIComponent(values.name)}`;
}
