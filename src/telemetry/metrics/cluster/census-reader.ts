import { AbortReason, withTimeout } from '../../../foundation/abort.js';
import { messageOf } from '../../../foundation/errors.js';
import type { Logger } from '../../../foundation/logger.js';

export interface CensusReaderOptions<T> {
  readonly read: () => Promise<T>;
  readonly logger: Logger;
  /** What was read so long ago is still handed out. @default 3000 */
  readonly freshMs?: number | undefined;
  /** How long one who asks waits for a reading; it goes on without them. @default 500 */
  readonly waitMs?: number;
}

export interface Reading<T> {
  readonly value: T;
  /** On the clock of `performance.now()`: before the first statement. */
  readonly readAt: number;
}

/**
 * One reading for all who ask, and never two at once: a database that hangs holds one connection of the pool, not one
 * for each scrape. Nobody asks, nothing is read.
 */
export class CensusReader<T> {
  readonly #options: CensusReaderOptions<T>;
  #last: Reading<T> | undefined;
  #underWay: Promise<void> | undefined;
  #succeeded = 0;
  #failed = 0;

  constructor(options: CensusReaderOptions<T>) {
    this.#options = options;
  }

  get readings(): { readonly succeeded: number; readonly failed: number } {
    return { succeeded: this.#succeeded, failed: this.#failed };
  }

  /** The newest there is, after a short wait for a newer one. `undefined`: none has succeeded yet. Never rejects. */
  async latest(): Promise<Reading<T> | undefined> {
    const { freshMs = 3_000, waitMs = 500 } = this.#options;
    if (this.#last !== undefined && performance.now() - this.#last.readAt < freshMs) return this.#last;
    this.#underWay ??= this.#read().finally(() => {
      this.#underWay = undefined;
    });
    try {
      await withTimeout(this.#underWay, waitMs, 'reading the cluster-wide values');
    } catch (error) {
      // Its age says what is to be said.
      if (!(error instanceof AbortReason)) throw error;
    }
    return this.#last;
  }

  /** Resolves when no reading is under way. */
  async settled(): Promise<void> {
    await this.#underWay;
  }

  async #read(): Promise<void> {
    const readAt = performance.now();
    try {
      const value = await this.#options.read();
      this.#last = { value, readAt };
      this.#succeeded += 1;
    } catch (error) {
      this.#failed += 1;
      this.#options.logger.warn(
        { error: messageOf(error) },
        'the values of the whole system could not be read; metrics show the last ones, with their age',
      );
    }
  }
}
