import { randomBytes } from 'node:crypto';
import type { ConnectionOptions } from '../database/connection.js';
import { Database } from '../database/database.js';
import { migrateUp } from '../database/migrations.js';
import { engineMigrations } from '../engine/migrations.js';
import type { Logger } from '../foundation/logger.js';

/** A database that is gone when the tests are over. */
export interface ScratchDatabase {
  readonly url: string;
  readonly database: Database;
  drop(): Promise<void>;
}

/** Makes a database of a name of its own on that server, with the engine's tables. Touches no other. */
export async function createScratchDatabase(serverUrl: string, logger: Logger): Promise<ScratchDatabase> {
  const name = `signalbox_test_${randomBytes(6).toString('hex')}`;
  const url = new URL(serverUrl);
  url.pathname = `/${name}`;
  const connection = optionsFor(url.toString());
  await onServer(serverUrl, logger, `create database ${name}`);
  const database = new Database({ ...connection, poolSize: 5, logger });
  const drop = async () => {
    await database.close();
    await onServer(serverUrl, logger, `drop database if exists ${name} with (force)`);
  };
  try {
    await migrateUp({ connection, folders: [engineMigrations], logger });
  } catch (error) {
    await drop();
    throw error;
  }
  return { url: connection.url, database, drop };
}

async function onServer(url: string, logger: Logger, sql: string): Promise<void> {
  const server = new Database({ ...optionsFor(url), poolSize: 1, logger });
  try {
    await server.query(sql);
  } finally {
    await server.close();
  }
}

function optionsFor(url: string): ConnectionOptions {
  return { url, applicationName: 'signalbox-testing', connectTimeoutMs: 10_000, statementTimeoutMs: 30_000 };
}
