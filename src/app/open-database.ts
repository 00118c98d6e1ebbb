import { chmod, mkdir } from 'node:fs/promises';
import { resolve } from 'node:path';
import type { Config } from '../config/load.js';
import { Database } from '../database/database.js';
import { startEmbeddedPostgres } from '../database/embedded/embedded.js';
import { databaseSection, databaseUrlFrom } from '../database/settings.js';
import { isSignalboxError } from '../foundation/errors.js';
import type { Logger } from '../foundation/logger.js';
import { formatDuration, systemClock } from '../foundation/time.js';
import { appSection } from './settings.js';

/** A database that answers, and what must be undone when it is no longer needed. */
export interface OpenDatabase {
  readonly database: Database;
  readonly embedded: boolean;
  /** Closes the connections; the embedded server stops with its last user. */
  close(): Promise<void>;
}

export interface OpenDatabaseOptions {
  readonly config: Config;
  readonly logger: Logger;
  /** Shown in `pg_stat_activity`. */
  readonly applicationName: string;
  readonly signal?: AbortSignal;
}

/** Starts or joins the embedded server, or connects to the configured one and waits until it answers. */
export async function openDatabase(options: OpenDatabaseOptions): Promise<OpenDatabase> {
  const { config, logger } = options;
  const settings = config.get(databaseSection);
  const url = databaseUrlFrom(settings);
  const server = url === undefined ? await embeddedServer(config, logger) : undefined;
  const database = new Database({
    url: server?.url ?? (url as string),
    directUrl: settings.directUrl,
    applicationName: options.applicationName,
    poolSize: settings.poolSize,
    connectTimeoutMs: settings.connectTimeoutMs,
    statementTimeoutMs: settings.statementTimeoutMs,
    logger,
  });
  const close = async () => {
    await database.close();
    await server?.stop();
  };
  try {
    await answer(database, config.get(appSection).databaseWaitMs, options);
  } catch (error) {
    await close();
    throw error;
  }
  return { database, embedded: server !== undefined, close };
}

async function embeddedServer(config: Config, logger: Logger) {
  const { environment } = config.get(appSection);
  if (isProduction(environment)) {
    logger.warn(
      {},
      'DATABASE_URL is not set: production runs on the embedded PostgreSQL, on this machine alone',
    );
  }
  return startEmbeddedPostgres({ home: await homeFolder(config), logger });
}

/** The absolute folder of SIGNALBOX_HOME, made when missing and closed to others. */
export async function homeFolder(config: Config): Promise<string> {
  const home = resolve(config.get(appSection).home);
  const made = await mkdir(home, { recursive: true });
  if (made !== undefined) await chmod(home, 0o711);
  return home;
}

export function isProduction(environment: string): boolean {
  return /^prod(uction)?$/i.test(environment);
}

const retryMs = 500;

async function answer(database: Database, waitMs: number, options: OpenDatabaseOptions): Promise<void> {
  const deadline = performance.now() + waitMs;
  for (let tries = 1; ; tries += 1) {
    try {
      const { pooled, versionNumber } = await database.connect();
      options.logger.debug({ pooled, version: versionNumber }, 'the database answers');
      return;
    } catch (error) {
      const hopeless = !isSignalboxError(error) || !error.retryable;
      if (hopeless || performance.now() > deadline || options.signal?.aborted) throw error;
      if (tries === 1) {
        const wait = formatDuration(waitMs);
        options.logger.warn(
          { error: error.message },
          `the database does not answer yet; waiting up to ${wait}`,
        );
      }
      await systemClock.sleep(retryMs, options.signal);
    }
  }
}
