import type { Database } from '../database/database.js';
import { Leadership } from '../engine/leadership.js';
import type { Logger } from '../foundation/logger.js';
import type { Service } from '../foundation/service.js';
import { countChanges, pruneHistory } from './store/keep.js';

export interface HistorianOptions {
  readonly db: Database;
  readonly logger: Logger;
  /** Pause between two turns, milliseconds. @default 10000 */
  readonly intervalMs?: number;
}

/** Rows of one statement: seconds of a busy installation's minutes, so a turn always gains on them. */
const pruneLimit = 5_000;

/**
 * Brings the history up to date, in one process at a time; any process may be it. Nothing is lost while none is: changes
 * stay where they are until somebody counts them.
 */
export class Historian implements Service {
  readonly name = 'history';
  readonly #leadership: Leadership<number>;

  constructor({ db, logger, intervalMs = 10_000 }: HistorianOptions) {
    this.#leadership = new Leadership({
      db,
      logger,
      name: this.name,
      intervalMs,
      leaseTurns: 3,
      turn: async () => {
        await countChanges(db);
        return pruneHistory(db, pruneLimit);
      },
    });
  }

  async start(): Promise<void> {
    await this.#leadership.start();
  }

  async stop(): Promise<void> {
    await this.#leadership.stop();
  }

  /** @returns the minutes it removed */
  async runOnce(): Promise<{ leading: boolean; removed: number }> {
    const removed = await this.#leadership.runOnce();
    return { leading: removed !== undefined, removed: removed ?? 0 };
  }
}
