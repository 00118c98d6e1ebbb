import { randomBytes } from 'node:crypto';
import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import pg from 'pg';
import { inject } from 'vitest';
import { type Logger, silentLogger } from '../../foundation/logger.js';
import type { ConnectionOptions } from '../connection.js';
import { Database } from '../database.js';
import { migrateUp } from '../migrations.js';

const source = fileURLToPath(new URL('../..', import.meta.url));

/** Folders of every module's migrations, in no order: time stamps decide. */
export const allMigrations: readonly string[] = readdirSync(source, { recursive: true, withFileTypes: true })
  .filter((entry) => entry.isDirectory() && entry.name === 'migrations')
  .map((entry) => join(entry.parentPath, entry.name));

export interface TestDatabase {
  readonly url: string;
  readonly database: Database;
  readonly connection: ConnectionOptions;
  /** Closes the pool and drops the database. Fails when somebody still holds a connection to it. */
  drop(): Promise<void>;
}

export interface TestDatabaseOptions {
  readonly migrate?: boolean;
  readonly folders?: readonly string[];
  readonly logger?: Logger;
  readonly poolSize?: number;
}

/** A fresh database on the test run's server, migrated unless told otherwise. */
export async function createTestDatabase(options: TestDatabaseOptions = {}): Promise<TestDatabase> {
  const { migrate = true, folders = allMigrations, logger = silentLogger, poolSize = 10 } = options;
  const server = inject('databaseUrl');
  const name = `test_${randomBytes(6).toString('hex')}`;
  await onServer(server, `create database ${name}`);
  const url = new URL(server);
  url.pathname = `/${name}`;
  const connection: ConnectionOptions = {
    url: url.toString(),
    applicationName: 'signalbox-test',
    connectTimeoutMs: 10_000,
    statementTimeoutMs: 10_000,
  };
  if (migrate) await migrateUp({ connection, folders, logger });
  const database = new Database({ ...connection, poolSize, logger });
  return {
    url: connection.url,
    database,
    connection,
    async drop() {
      await database.close();
      const leaked = await connectionsTo(server, name);
      // Without `force` it ends an autovacuum, which only a superuser may terminate.
      await onServer(server, `drop database ${name}${leaked.length > 0 ? ' with (force)' : ''}`);
      if (leaked.length > 0) throw new Error(`connections were left open: ${leaked.join(', ')}`);
    },
  };
}

async function onServer(url: string, sql: string): Promise<void> {
  const client = new pg.Client(url);
  await client.connect();
  try {
    await client.query(sql);
  } finally {
    await client.end();
  }
}

/** A closed client's backend needs a moment to go: asked a few times before it counts as a leak. */
async function connectionsTo(url: string, name: string): Promise<string[]> {
  const client = new pg.Client(url);
  await client.connect();
  try {
    for (let tries = 0; ; tries += 1) {
      const { rows } = await client.query<{ who: string }>(
        `select application_name || ': ' || left(query, 80) as who from pg_stat_activity
         where datname = $1 and backend_type = 'client backend'`,
        [name],
      );
      if (rows.length === 0 || tries === 50) return rows.map(({ who }) => who);
      await client.query('select pg_sleep(0.02)');
    }
  } finally {
    await client.end();
  }
}
