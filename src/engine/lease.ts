import { hostname } from 'node:os';
import type { Database } from '../database/database.js';
import { withTimeout } from '../foundation/abort.js';
import { newId } from '../foundation/ids.js';
import type { Logger } from '../foundation/logger.js';
import { Loop } from '../foundation/loop.js';
import type { Service } from '../foundation/service.js';
import { Heartbeat } from './heartbeat/heartbeat.js';
import { monotonicMs, RenewalTime } from './heartbeat/renewal-time.js';
import type { StartThread } from './heartbeat/start-thread.js';
import { registerWorker, removeWorker, renewLease } from './sql/workers.js';

export interface LeaseOptions {
  readonly db: Database;
  readonly logger: Logger;
  readonly queues: readonly string[] | null;
  readonly tasks: readonly string[];
  /** What a new incarnation says of itself: it may have been changed since the first. */
  readonly concurrency: () => number;
  readonly draining: () => boolean;
  readonly leaseMs: number;
  /** Called when the lease can no longer be trusted, before anybody else may take the jobs. */
  readonly onLost: () => void;
  /** Replaced by tests. */
  readonly startThread?: StartThread;
}

/** Share of the lease that is kept as a margin: handlers are aborted before the database frees their jobs. */
const margin = 0.2;
/** Shares of the lease after which the main thread renews by itself: with a thread that should have, and without. */
const helpAfter = { thread: 3 / 8, noThread: 1 / 4 };

interface Incarnation {
  readonly id: string;
  readonly renewed: RenewalTime;
}

/**
 * A worker's right to its jobs. One row, renewed four times a lease by a thread with a connection of its own:
 * a handler that blocks the main thread costs nobody the lease, a process that is frozen or killed loses it.
 * When the thread does not renew, this one does, over the pool. When the lease cannot be renewed in time the
 * incarnation is over: its id is never used again, and the next turn registers a new one.
 */
export class Lease implements Service {
  readonly name = 'lease';
  readonly #options: LeaseOptions;
  readonly #heartbeat: Heartbeat;
  readonly #loop: Loop;
  #held: Incarnation | undefined;
  #watchdog: NodeJS.Timeout | undefined;

  constructor(options: LeaseOptions) {
    this.#options = options;
    const { db, logger, leaseMs } = options;
    this.#heartbeat = new Heartbeat({
      connection: db.directOptions,
      leaseMs,
      logger,
      onLost: (id) => {
        if (this.#held?.id === id) this.#lose('the database says that the lease has ended');
      },
      startThread: options.startThread,
    });
    this.#loop = new Loop({
      name: 'worker lease',
      intervalMs: leaseMs / 8,
      logger,
      runOnce: () => this.runOnce(),
    });
  }

  /** Id of this incarnation; `undefined` while no lease is held, and then nothing may be claimed. */
  get workerId(): string | undefined {
    return this.#held?.id;
  }

  async start(): Promise<void> {
    await this.runOnce();
    await this.#loop.start();
  }

  async stop(): Promise<void> {
    await this.#loop.stop();
    clearTimeout(this.#watchdog);
    const id = this.#held?.id;
    this.#held = undefined;
    // Before the row goes: the thread would take its absence for a loss.
    await this.#heartbeat.stop();
    if (id !== undefined) await removeWorker(this.#options.db, id);
  }

  /** Registers a new incarnation when there is none, and renews the lease where the thread has not. */
  async runOnce(): Promise<void> {
    const { db, leaseMs, logger } = this.#options;
    const held = this.#held;
    if (held === undefined) return this.#register();
    const asked = monotonicMs();
    const age = asked - held.renewed.ms;
    if (age < leaseMs * (this.#heartbeat.running ? helpAfter.thread : helpAfter.noThread)) return;
    const renewed = await withTimeout(renewLease(db, held.id, leaseMs), leaseMs / 2, 'renewing the lease');
    if (this.#held !== held) return;
    if (!renewed) return this.#lose('the database says that the lease has ended');
    held.renewed.advance(asked);
    logger.debug({ worker: held.id, age_ms: Math.round(age) }, 'the main thread renewed the lease');
  }

  async #register(): Promise<void> {
    const { db, queues, tasks, concurrency, draining, leaseMs, logger } = this.#options;
    const id = newId();
    const renewed = new RenewalTime();
    // Counted from before the question: the answer may be long on its way.
    renewed.advance(monotonicMs());
    await registerWorker(db, {
      id,
      hostname: hostname(),
      pid: process.pid,
      queues,
      tasks,
      concurrency: concurrency(),
      draining: draining(),
      leaseMs,
    });
    this.#held = Object.freeze({ id, renewed });
    this.#watch(this.#held);
    this.#heartbeat.hold({ workerId: id, renewalTime: renewed.buffer });
    logger.info({ worker: id }, 'worker registered');
  }

  /** A timer that fires late, after a handler blocked this thread, says nothing: only the renewals count. */
  #watch(held: Incarnation): void {
    clearTimeout(this.#watchdog);
    const left = () => held.renewed.ms + this.#options.leaseMs * (1 - margin) - monotonicMs();
    this.#watchdog = setTimeout(
      () => {
        if (left() > 0) this.#watch(held);
        else this.#lose('it could not be renewed in time');
      },
      Math.max(left(), 0),
    );
  }

  #lose(why: string): void {
    if (this.#held === undefined) return;
    clearTimeout(this.#watchdog);
    this.#options.logger.error({ worker: this.#held.id }, `lease lost: ${why}; running jobs are aborted`);
    this.#held = undefined;
    this.#heartbeat.release();
    this.#options.onLost();
    this.#loop.wake();
  }
}
