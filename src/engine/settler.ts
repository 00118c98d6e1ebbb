import type { Database } from '../database/database.js';
import { Batcher } from '../foundation/batcher.js';
import { isSignalboxError } from '../foundation/errors.js';
import { type Fence, type Outcome, type Success, settle, succeedMany } from './sql/settle.js';

/** Records outcomes. Successes, by far the most, share a commit; the others are rare and go alone. */
export class Settler {
  readonly #db: Database;
  readonly #successes: Batcher<Success, boolean>;

  constructor(db: Database) {
    this.#db = db;
    this.#successes = new Batcher({
      run: (successes) => succeedMany(db, successes),
      concurrency: 2,
      maxBatch: 500,
      blames: (error) => !isSignalboxError(error),
    });
  }

  /** @returns false when the fence no longer holds: the outcome is late and was dropped */
  async settle(at: Fence, outcome: Outcome): Promise<boolean> {
    if (outcome.kind !== 'succeeded') return settle(this.#db, at, outcome);
    return this.#successes.add({ at, resultJson: outcome.resultJson });
  }
}
