import { hostname } from 'node:os';
import type { Queryable } from '../database/queryable.js';
import { withTimeout } from '../foundation/abort.js';
import { newId } from '../foundation/ids.js';
import type { Logger } from '../foundation/logger.js';
import { Loop } from '../foundation/loop.js';
import type { Service } from '../foundation/service.js';
import { registerWorker, removeWorker, renewLease } from './sql/workers.js';

export interface LeaseOptions {
  readonly db: Queryable;
  readonly logger: Logger;
  readonly queues: readonly string[] | null;
  readonly tasks: readonly string[];
  readonly concurrency: number;
  readonly leaseMs: number;
  /** Called when the lease can no longer be trusted, before anybody else may take the jobs. */
  readonly onLost: () => void;
}

/** Share of the lease that is kept as a margin: handlers are aborted before the database frees their jobs. */
const margin = 0.2;

/**
 * A worker's right to its jobs. One row, renewed four times a lease. When it cannot be renewed in
 * time the incarnation is over: its id is never used again, and the next turn registers a new one.
 */
export class Lease implements Service {
  readonly name = 'lease';
  readonly #options: LeaseOptions;
  readonly #loop: Loop;
  #workerId: string | undefined;
  #watchdog: NodeJS.Timeout | undefined;

  constructor(options: LeaseOptions) {
    this.#options = options;
    this.#loop = new Loop({
      name: 'worker heartbeat',
      intervalMs: options.leaseMs / 4,
      logger: options.logger,
      runOnce: () => this.runOnce(),
    });
  }

  /** Id of this incarnation; `undefined` while no lease is held, and then nothing may be claimed. */
  get workerId(): string | undefined {
    return this.#workerId;
  }

  async start(): Promise<void> {
    await this.runOnce();
    await this.#loop.start();
  }

  async stop(): Promise<void> {
    await this.#loop.stop();
    clearTimeout(this.#watchdog);
    const id = this.#workerId;
    this.#workerId = undefined;
    if (id !== undefined) await removeWorker(this.#options.db, id);
  }

  /** Renews the lease, or registers a new incarnation when there is none. */
  async runOnce(): Promise<void> {
    const { db, leaseMs } = this.#options;
    const id = this.#workerId;
    // Counted from before the question: the answer may have been long on its way.
    const asked = performance.now();
    if (id === undefined) return this.#register(asked);
    const renewed = await withTimeout(renewLease(db, id, leaseMs), leaseMs / 2, 'renewing the lease');
    if (this.#workerId !== id) return;
    if (renewed) this.#guard(asked);
    else this.#lose('the database says that the lease has ended');
  }

  async #register(asked: number): Promise<void> {
    const { db, queues, tasks, concurrency, leaseMs, logger } = this.#options;
    const id = newId();
    await registerWorker(db, {
      id,
      hostname: hostname(),
      pid: process.pid,
      queues,
      tasks,
      concurrency,
      leaseMs,
    });
    this.#workerId = id;
    this.#guard(asked);
    logger.info({ worker: id }, 'worker registered');
  }

  #guard(asked: number): void {
    clearTimeout(this.#watchdog);
    const left = asked + this.#options.leaseMs * (1 - margin) - performance.now();
    this.#watchdog = setTimeout(() => this.#lose('it could not be renewed in time'), Math.max(left, 0));
  }

  #lose(why: string): void {
    if (this.#workerId === undefined) return;
    clearTimeout(this.#watchdog);
    this.#options.logger.error({ worker: this.#workerId }, `lease lost: ${why}; running jobs are aborted`);
    this.#workerId = undefined;
    this.#options.onLost();
    this.#loop.wake();
  }
}
