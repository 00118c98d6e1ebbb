import { readdir } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { runner } from 'node-pg-migrate';
import pg from 'pg';
import { messageOf } from '../foundation/errors.js';
import type { Logger } from '../foundation/logger.js';
import { type ConnectionOptions, clientConfig } from './connection.js';
import { databaseErrors } from './errors.js';
import type { Queryable } from './queryable.js';

/** Any two processes that migrate one database take the same lock. */
const lockKey = 7_244_325_001;
const table = 'migration';
const schema = 'signalbox';

export interface MigrationOptions {
  readonly connection: ConnectionOptions;
  /** Folders of `<time stamp>_<name>.sql`, one per module; run in one sequence by time stamp. */
  readonly folders: readonly string[];
  readonly logger: Logger;
}

export interface MigrationStatus {
  /** In the order in which they were run. */
  readonly applied: readonly string[];
  /** Known to this process and not yet run. */
  readonly pending: readonly string[];
  /** Run by a newer version and unknown to this one. */
  readonly unknown: readonly string[];
}

/**
 * A migration that older processes cannot live with says so in its name, because an older process
 * sees nothing but that name in the database.
 */
export function isBreaking(name: string): boolean {
  return name.endsWith('_breaking');
}

/** What was run and what is to be run. A database without our schema has everything pending. */
export async function migrationStatus(db: Queryable, folders: readonly string[]): Promise<MigrationStatus> {
  const known = (await filesOf(folders)).map((file) => basename(file, '.sql')).sort();
  const applied = await appliedNames(db);
  return Object.freeze({
    applied,
    pending: known.filter((name) => !applied.includes(name)),
    unknown: applied.filter((name) => !known.includes(name)),
  });
}

/** @throws schema_outdated, schema_newer */
export async function assertSchemaFits(db: Queryable, folders: readonly string[]): Promise<void> {
  const { pending, unknown } = await migrationStatus(db, folders);
  const breaking = unknown.filter(isBreaking);
  if (breaking.length > 0) {
    throw databaseErrors.schema_newer(
      `The database was migrated by a newer version of Signalbox (${breaking.join(', ')}). Start that version, or migrate down with it first.`,
    );
  }
  if (pending.length > 0) {
    throw databaseErrors.schema_outdated(
      `${pending.length} migrations have not been run (${pending.join(', ')}). Run: signalbox migrate up`,
    );
  }
}

/** Whether `assertSchemaFits` would let this process work. @throws what the database throws */
export async function schemaFits(db: Queryable, folders: readonly string[]): Promise<boolean> {
  const { pending, unknown } = await migrationStatus(db, folders);
  return pending.length === 0 && !unknown.some(isBreaking);
}

/** Runs what is pending, all or nothing. Any number of processes may call it at once. @returns names that were run */
export async function migrateUp(options: MigrationOptions): Promise<string[]> {
  return withLock(options, async (client) => {
    const { unknown } = await migrationStatus(client, options.folders);
    const breaking = unknown.filter(isBreaking);
    if (breaking.length > 0) {
      throw databaseErrors.schema_newer(
        `The database was migrated by a newer version of Signalbox (${breaking.join(', ')}). Start that version.`,
      );
    }
    return run(client, options, 'up', Number.POSITIVE_INFINITY);
  });
}

/** Undoes the last `count` migrations. Their data is lost. @returns names that were undone */
export async function migrateDown(options: MigrationOptions, count: number): Promise<string[]> {
  return withLock(options, (client) => run(client, options, 'down', count));
}

async function run(
  client: pg.Client,
  options: MigrationOptions,
  direction: 'up' | 'down',
  count: number,
): Promise<string[]> {
  const { folders, logger } = options;
  try {
    const done = await runner({
      dbClient: client,
      dir: folders.map((folder) => join(folder, '*.sql')),
      useGlob: true,
      migrationsTable: table,
      migrationsSchema: schema,
      createMigrationsSchema: true,
      schema,
      createSchema: true,
      direction,
      count,
      checkOrder: false,
      noLock: true,
      singleTransaction: true,
      logger: {
        debug: (text) => logger.debug({}, String(text)),
        info: (text) => logger.debug({}, String(text)),
        warn: (text) => logger.warn({}, String(text)),
        error: (text) => logger.error({}, String(text)),
      },
    });
    return done.map(({ name }) => name);
  } catch (error) {
    throw databaseErrors.migration_failed(`Migrating ${direction} failed: ${messageOf(error)}`, {
      cause: error,
    });
  }
}

/**
 * Runs `work` in a transaction that holds the lock: the runner's own commit or rollback ends both at once.
 * A lock of a session would not do: behind pgbouncer two statements of one client may run in two sessions.
 * Nor would a second connection: ten waiting processes may hold all that a pooler has.
 */
async function withLock<T>(options: MigrationOptions, work: (client: pg.Client) => Promise<T>): Promise<T> {
  const client = new pg.Client(clientConfig(options.connection));
  client.on('error', (error) =>
    options.logger.warn({ error: messageOf(error) }, 'the migration connection was lost'),
  );
  await client.connect();
  try {
    await client.query('begin');
    await client.query('select pg_advisory_xact_lock($1)', [lockKey]);
    const result = await work(client);
    await client.query('commit');
    return result;
  } finally {
    await client.end();
  }
}

async function filesOf(folders: readonly string[]): Promise<string[]> {
  const lists = await Promise.all(
    folders.map(async (folder) => (await readdir(folder)).map((file) => join(folder, file))),
  );
  return lists.flat().filter((file) => file.endsWith('.sql'));
}

// Asked first: an error would spoil the transaction that holds the lock.
const appliedSql = `select to_regclass('${schema}.${table}') is not null as present`;

async function appliedNames(db: Queryable): Promise<string[]> {
  const { rows } = await db.query<{ present: boolean }>(appliedSql);
  if (!rows[0]?.present) return [];
  const names = await db.query<{ name: string }>(`select name from ${schema}.${table} order by id`);
  return names.rows.map(({ name }) => name);
}
