import type { Database } from '../database/database.js';
import { lead, resign } from '../engine/sql/rescue.js';
import { messageOf } from '../foundation/errors.js';
import { newId } from '../foundation/ids.js';
import type { Logger } from '../foundation/logger.js';
import { Loop } from '../foundation/loop.js';
import type { Service } from '../foundation/service.js';
import { countChanges, pruneHistory } from './store/keep.js';

export interface HistorianOptions {
  readonly db: Database;
  readonly logger: Logger;
  /** Pause between two turns, milliseconds. @default 10000 */
  readonly intervalMs?: number;
}

const leaderName = 'history';
/** Rows of one statement: seconds of a busy installation's minutes, so a turn always gains on them. */
const pruneLimit = 5_000;

/**
 * Brings the history up to date, in one process at a time; any process may be it. Nothing is lost while none is: changes
 * stay where they are until somebody counts them. The lease only saves the work.
 */
export class Historian implements Service {
  readonly name = 'history';
  readonly #options: HistorianOptions;
  readonly #holder = newId();
  readonly #loop: Loop;
  #leading = false;

  constructor(options: HistorianOptions) {
    this.#options = options;
    this.#loop = new Loop({
      name: leaderName,
      intervalMs: this.#intervalMs,
      logger: options.logger,
      runOnce: () => this.runOnce(),
    });
  }

  async start(): Promise<void> {
    await this.#loop.start();
  }

  async stop(): Promise<void> {
    await this.#loop.stop();
    if (!this.#leading) return;
    this.#leading = false;
    try {
      await resign(this.#options.db, leaderName, this.#holder);
    } catch (error) {
      // The lease ends by itself; a stop must not fail for it.
      this.#options.logger.warn({ error: messageOf(error) }, 'who keeps the history could not resign');
    }
  }

  async runOnce(): Promise<{ leading: boolean; removed: number }> {
    const { db } = this.#options;
    this.#leading = false;
    this.#leading = await lead(db, leaderName, this.#holder, this.#intervalMs * 3);
    if (!this.#leading) return { leading: false, removed: 0 };
    await countChanges(db);
    return { leading: true, removed: await pruneHistory(db, pruneLimit) };
  }

  get #intervalMs(): number {
    return this.#options.intervalMs ?? 10_000;
  }
}
