import type { Database } from '../database/database.js';
import { messageOf } from '../foundation/errors.js';
import { newId } from '../foundation/ids.js';
import type { Logger } from '../foundation/logger.js';
import { Loop } from '../foundation/loop.js';
import type { Service } from '../foundation/service.js';
import { lead, resign } from './sql/rescue.js';

export interface LeadershipOptions<Turn> {
  readonly db: Database;
  readonly logger: Logger;
  /** What is led: of those who give the same name, one process leads. */
  readonly name: string;
  /** Pause between two turns, milliseconds. */
  readonly intervalMs: number;
  /** Turns for which a lease lasts: so many may fail before another process takes over. */
  readonly leaseTurns: number;
  /** One turn of whoever leads. Safe to run at once elsewhere: the lease only saves the work. */
  readonly turn: () => Promise<Turn>;
}

/** Work that one process at a time does, again and again; any process may be it. */
export class Leadership<Turn> implements Service {
  readonly name: string;
  readonly #options: LeadershipOptions<Turn>;
  readonly #holder = newId();
  readonly #loop: Loop;
  #leading = false;

  constructor(options: LeadershipOptions<Turn>) {
    this.#options = options;
    this.name = options.name;
    const { name, intervalMs, logger } = options;
    this.#loop = new Loop({ name, intervalMs, logger, runOnce: () => this.runOnce() });
  }

  /** Whether this process leads, as far as it knows. */
  get leading(): boolean {
    return this.#leading;
  }

  async start(): Promise<void> {
    await this.#loop.start();
  }

  async stop(): Promise<void> {
    await this.#loop.stop();
    if (!this.#leading) return;
    this.#leading = false;
    const { db, logger, name } = this.#options;
    try {
      await resign(db, name, this.#holder);
    } catch (error) {
      // The lease ends by itself; a stop must not fail for it.
      logger.warn({ leader: name, error: messageOf(error) }, 'a leader could not resign');
    }
  }

  /** Takes or renews the lease, and does one turn with it. @returns `undefined` when another process leads */
  async runOnce(): Promise<Turn | undefined> {
    const { db, name, intervalMs, leaseTurns, turn } = this.#options;
    // A leader that cannot ask is none: another process may be by now.
    this.#leading = false;
    this.#leading = await lead(db, name, this.#holder, intervalMs * leaseTurns);
    return this.#leading ? turn() : undefined;
  }
}
