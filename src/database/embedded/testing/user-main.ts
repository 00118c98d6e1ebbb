import { createInterface } from 'node:readline';
import { isSignalboxError, messageOf } from '../../../foundation/errors.js';
import type { Logger } from '../../../foundation/logger.js';
import { startEmbeddedPostgres } from '../embedded.js';

/** A process that uses the embedded PostgreSQL, driven by its standard input: `stop`, `exit`. */
function tell(event: object): void {
  process.stdout.write(`${JSON.stringify(event)}\n`);
}

const log = (fields: object, message: string) => tell({ event: 'log', message, ...fields });
const logger: Logger = { debug: log, info: log, warn: log, error: log, child: () => logger };
const [home = '', timeout = '60000'] = process.argv.slice(2);
try {
  const postgres = await startEmbeddedPostgres({ home, logger, startTimeoutMs: Number(timeout) });
  tell({ event: 'up', url: postgres.url, joined: postgres.joined });
  for await (const line of createInterface({ input: process.stdin })) {
    if (line === 'exit') process.exit(0);
    await postgres.stop();
    tell({ event: 'stopped' });
  }
} catch (error) {
  tell({ event: 'failed', code: isSignalboxError(error) ? error.code : 'none', message: messageOf(error) });
}
