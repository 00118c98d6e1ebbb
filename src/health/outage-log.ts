import { AbortReason } from '../foundation/abort.js';
import { isSignalboxError, messageOf } from '../foundation/errors.js';
import type { Logger } from '../foundation/logger.js';
import { CheckFailure } from './check.js';

/**
 * Tells of each way in which a check fails once an outage: whoever polls every second must not fill the log with one
 * outage, however the texts of its errors change meanwhile.
 */
export class OutageLog {
  readonly #logger: Logger;
  readonly #told = new Map<string, Set<string>>();

  constructor(logger: Logger) {
    this.#logger = logger;
  }

  failed(check: string, error: unknown): void {
    const told = this.#told.get(check) ?? new Set<string>();
    const kind = kindOf(error);
    if (told.has(kind)) return;
    this.#told.set(check, told.add(kind));
    const cause = error instanceof CheckFailure && error.cause !== undefined ? messageOf(error.cause) : null;
    this.#logger.warn(
      { check, kind, error: messageOf(error), ...(cause === null ? {} : { cause }) },
      'a health check failed',
    );
  }

  well(check: string): void {
    if (this.#told.delete(check)) this.#logger.info({ check }, 'a health check is well again');
  }
}

/** One of few: what tells failures apart is their type, as their texts hold addresses and times. */
function kindOf(error: unknown): string {
  if (error instanceof CheckFailure) {
    return error.cause === undefined ? error.status : `${error.status}: ${kindOf(error.cause)}`;
  }
  if (error instanceof AbortReason) return error.kind;
  if (isSignalboxError(error)) return error.code;
  return error instanceof Error ? error.name : 'unknown';
}
