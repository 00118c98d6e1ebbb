import type { TestProject } from 'vitest/node';
import { silentLogger } from '../../foundation/logger.js';
import { startEmbeddedPostgres } from '../embedded/embedded.js';
import { temporaryHome } from './temporary-home.js';

declare module 'vitest' {
  interface ProvidedContext {
    /** A server on which every test file makes its own databases. */
    databaseUrl: string;
  }
}

/**
 * One embedded server for the whole run, in a folder of its own that is gone afterwards; or the server of
 * SIGNALBOX_TEST_DATABASE_URL, to run the tests on another version of PostgreSQL.
 */
export default async function setup(project: TestProject): Promise<() => Promise<void>> {
  const given = process.env.SIGNALBOX_TEST_DATABASE_URL;
  if (given !== undefined) {
    project.provide('databaseUrl', given);
    return async () => undefined;
  }
  const home = await temporaryHome();
  const server = await startEmbeddedPostgres({ home: home.path, logger: silentLogger });
  project.provide('databaseUrl', server.url);
  return async () => {
    await server.stop();
    await home.remove();
  };
}
