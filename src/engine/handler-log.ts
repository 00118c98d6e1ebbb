import type { Logger } from '../foundation/logger.js';
import { TokenBucket } from '../foundation/token-bucket.js';
import { type AttemptNames, fieldsOf } from './attempt-log.js';
import { storableText } from './failure.js';
import type { LogLevel } from './job.js';
import { keptData } from './journal.js';

/** Lines a second below warn. Warnings and errors have twice as much, of their own. */
export const defaultHandlerLogRate = 10;
const urgentFactor = 2;
/** So many seconds' worth may come at once. */
const burstSeconds = 10;
const tellMs = 10_000;

/**
 * What a handler logs, in the log of the process: with what the job is, and at a rate that leaves room for others.
 * Its data stand in a field of their own, so that they can pose as nothing else.
 */
export class HandlerLog {
  readonly #logger: Logger;
  readonly #job: AttemptNames;
  readonly #ordinary: TokenBucket;
  readonly #urgent: TokenBucket;
  #leftOut = 0;
  #toldAt = performance.now();

  constructor(logger: Logger, job: AttemptNames, linesPerSecond: number) {
    this.#logger = logger;
    this.#job = job;
    const urgent = linesPerSecond * urgentFactor;
    this.#ordinary = new TokenBucket(linesPerSecond, linesPerSecond * burstSeconds);
    this.#urgent = new TokenBucket(urgent, urgent * burstSeconds);
  }

  write(level: LogLevel, message: string, data?: Readonly<Record<string, unknown>>): void {
    if (this.#logger.isLevelEnabled?.(level) === false) return;
    const now = performance.now();
    const bucket = level === 'warn' || level === 'error' ? this.#urgent : this.#ordinary;
    if (!bucket.take(now)) {
      this.#leftOut += 1;
      return;
    }
    if (now - this.#toldAt >= tellMs) this.#tell(now);
    const kept = keptData(data);
    const fields = fieldsOf(this.#job);
    this.#logger[level](kept === null ? fields : { ...fields, data: kept }, storableText(message));
  }

  close(): void {
    this.#tell(performance.now());
  }

  #tell(now: number): void {
    if (this.#leftOut > 0) {
      const lines =
        this.#leftOut === 1 ? '1 line of a handler was' : `${this.#leftOut} lines of a handler were`;
      const fields = { ...fieldsOf(this.#job), left_out: this.#leftOut };
      this.#logger.warn(fields, `${lines} left out: they came too fast`);
    }
    this.#leftOut = 0;
    this.#toldAt = now;
  }
}
