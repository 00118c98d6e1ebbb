import type { Database } from '../database/database.js';
import type { Logger } from '../foundation/logger.js';
import { Loop } from '../foundation/loop.js';
import type { Service } from '../foundation/service.js';
import { msUntilNextDue, promoteDue } from './sql/claim.js';

const batch = 1_000;

/** Moves scheduled and retrying jobs to `queued` when their time has come. Every process runs one; they share the work. */
export class Promoter implements Service {
  readonly name = 'promoter';
  readonly #db: Database;
  readonly #loop: Loop;
  #timer: NodeJS.Timeout | undefined;

  constructor(db: Database, logger: Logger, intervalMs = 1_000) {
    this.#db = db;
    this.#loop = new Loop({ name: 'promote', intervalMs, logger, runOnce: () => this.#turn(intervalMs) });
  }

  async start(): Promise<void> {
    await this.#loop.start();
  }

  async stop(): Promise<void> {
    clearTimeout(this.#timer);
    await this.#loop.stop();
  }

  async runOnce(): Promise<{ promoted: number }> {
    let promoted = 0;
    for (;;) {
      const queues = await promoteDue(this.#db, batch);
      const moved = queues.reduce((sum, { moved: n }) => sum + n, 0);
      promoted += moved;
      if (moved < batch) return { promoted };
    }
  }

  async #turn(intervalMs: number): Promise<void> {
    await this.runOnce();
    const ms = await msUntilNextDue(this.#db);
    clearTimeout(this.#timer);
    if (ms !== undefined && ms < intervalMs) {
      this.#timer = setTimeout(() => this.#loop.wake(), Math.max(ms, 10));
    }
  }
}
