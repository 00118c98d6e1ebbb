import type { Database } from '../database/database.js';
import { messageOf } from '../foundation/errors.js';
import type { Logger } from '../foundation/logger.js';
import { type Clock, systemClock } from '../foundation/time.js';
import { forgetJobs, type KeepTimes } from './sql/retention.js';

const dayMs = 86_400_000;

export const defaultKeep: KeepTimes = Object.freeze({
  succeededMs: 7 * dayMs,
  failedMs: 30 * dayMs,
  cancelledMs: 7 * dayMs,
});

export interface RetentionOptions {
  readonly db: Database;
  readonly logger: Logger;
  readonly keep: KeepTimes;
  /** Most jobs that one statement looks at. @default 1000 */
  readonly maxBatch?: number;
  readonly clock?: Clock;
}

/** A turn is over after so many batches or milliseconds: the leader has more urgent work than this. */
const maxBatches = 50;
const turnMs = 400;
/** Pause after a turn that left work, and after one that did not. */
const behindMs = 2_000;
const idleMs = 5_000;
/** A batch that takes less may be twice as large the next time, one that takes more is halved: logs can be long. */
const quickMs = 50;
const slowMs = 250;

/**
 * Removes ended jobs when their time is over. It goes through them by id, and remembers how far it came: jobs that
 * outlive the first look, because they ended late or are kept longer, are looked at again once a round.
 */
export class Retention {
  readonly #options: RetentionOptions;
  readonly #clock: Clock;
  readonly #roundMs: number;
  #cursor: string | null = null;
  #batch: number;
  #roundAt = 0;
  #dueAt = 0;

  constructor(options: RetentionOptions) {
    this.#options = options;
    this.#clock = options.clock ?? systemClock;
    this.#batch = Math.min(100, this.#maxBatch);
    const { succeededMs, failedMs, cancelledMs } = options.keep;
    const times = [succeededMs, failedMs, cancelledMs].map((ms) => ms ?? Number.POSITIVE_INFINITY);
    this.#roundMs = Math.min(Math.max(Math.min(...times) / 100, idleMs), 600_000);
  }

  /** Whether a turn should be made now. */
  get due(): boolean {
    return this.#clock.now() >= this.#dueAt;
  }

  /** One turn of bounded length. Its error is logged, never thrown: nothing waits for it. @returns how many went */
  async runOnce(): Promise<{ removed: number }> {
    const { db, logger, keep } = this.#options;
    const began = this.#clock.now();
    this.#dueAt = began + behindMs;
    if (this.#cursor === null) this.#roundAt = began;
    let removed = 0;
    try {
      for (let batches = 0; batches < maxBatches; batches += 1) {
        const asked = this.#clock.now();
        const limit = this.#batch;
        const found = await forgetJobs(db, { after: this.#cursor, limit, keep });
        removed += found.removed;
        this.#cursor = found.last;
        this.#adapt(this.#clock.now() - asked);
        if (found.seen < limit) {
          this.#ended();
          break;
        }
        if (this.#clock.now() - began > turnMs) break;
      }
    } catch (error) {
      this.#batch = Math.max(Math.floor(this.#batch / 4), 1);
      logger.warn({ error: messageOf(error), removed }, 'ended jobs could not be removed; trying again');
    }
    if (removed > 0) logger.debug({ removed }, 'ended jobs whose time is over were removed');
    return { removed };
  }

  /** Everything up to now has been looked at. */
  #ended(): void {
    const now = this.#clock.now();
    this.#dueAt = now + idleMs;
    if (now - this.#roundAt >= this.#roundMs) this.#cursor = null;
  }

  #adapt(ms: number): void {
    if (ms > slowMs) this.#batch = Math.max(Math.floor(this.#batch / 2), 1);
    else if (ms < quickMs) this.#batch = Math.min(this.#batch * 2, this.#maxBatch);
  }

  get #maxBatch(): number {
    return this.#options.maxBatch ?? 1_000;
  }
}
