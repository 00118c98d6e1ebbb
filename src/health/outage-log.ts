import { messageOf } from '../foundation/errors.js';
import type { Logger } from '../foundation/logger.js';
import { CheckFailure } from './check.js';

/** Tells of what fails once for each change: whoever polls every second must not fill the log with one outage. */
export class OutageLog {
  readonly #logger: Logger;
  readonly #told = new Map<string, string>();

  constructor(logger: Logger) {
    this.#logger = logger;
  }

  failed(check: string, error: unknown): void {
    const cause = error instanceof CheckFailure && error.cause !== undefined ? messageOf(error.cause) : null;
    const text = messageOf(error);
    const told = `${text}\n${cause}`;
    if (this.#told.get(check) === told) return;
    this.#told.set(check, told);
    this.#logger.warn({ check, error: text, ...(cause === null ? {} : { cause }) }, 'a health check failed');
  }

  well(check: string): void {
    if (this.#told.delete(check)) this.#logger.info({ check }, 'a health check is well again');
  }
}
