import type { Queryable } from '../../database/queryable.js';
import { messageOf } from '../../foundation/errors.js';
import type { Logger } from '../../foundation/logger.js';
import { Loop } from '../../foundation/loop.js';
import type { Service } from '../../foundation/service.js';
import type { VitalsMeter } from './meter.js';
import { endVitals, pruneVitals, saveVitals } from './store.js';
import type { ProcessIdentity, Vitals } from './vitals.js';

export interface VitalsRecorderOptions {
  /** A connection that nothing else can hold: a full pool must not look like a lost process. */
  readonly db: Queryable;
  readonly meter: Pick<VitalsMeter, 'read'>;
  readonly identity: ProcessIdentity;
  readonly logger: Logger;
  /** What was read, before it is written. Must not throw. */
  readonly onRead?: (vitals: Vitals) => void;
  /** Milliseconds between two rows. @default 10000 */
  readonly intervalMs?: number;
}

const keepMs = 7 * 86_400_000;
const pruneEveryMs = 3_600_000;

/** Writes every ten seconds that this process is there and how it fares, and at its end that it went in order. */
export class VitalsRecorder implements Service {
  readonly name = 'vitals';
  readonly #options: VitalsRecorderOptions;
  readonly #loop: Loop;
  #started = false;
  #stopping = false;
  #prunedAt = Number.NEGATIVE_INFINITY;

  constructor(options: VitalsRecorderOptions) {
    this.#options = options;
    const { logger, intervalMs = 10_000 } = options;
    this.#loop = new Loop({ name: this.name, intervalMs, logger, runOnce: () => this.runOnce() });
  }

  async start(): Promise<void> {
    this.#started = true;
    await this.#loop.start();
  }

  /** From now on its silence is no loss: whoever stops it may not wait for its end. Written soon. */
  announceStop(): void {
    this.#stopping = true;
    if (this.#started) this.#loop.wake();
  }

  async stop(): Promise<void> {
    this.#stopping = true;
    await this.#loop.stop();
    if (!this.#started) return;
    this.#started = false;
    try {
      await endVitals(this.#options.db, this.#options.identity.id);
    } catch (error) {
      this.#options.logger.warn(
        { error: messageOf(error) },
        'the end of this process could not be written: it will be told as lost unless it said before that it stops',
      );
    }
  }

  async runOnce(): Promise<{ readonly removed: number }> {
    const { db, meter, identity, onRead } = this.#options;
    const vitals = await meter.read();
    onRead?.(vitals);
    const uptimeSeconds = process.uptime();
    await saveVitals(db, { ...identity, ...vitals, uptimeSeconds, stopping: this.#stopping });
    return { removed: await this.#prune() };
  }

  async #prune(): Promise<number> {
    if (performance.now() - this.#prunedAt < pruneEveryMs) return 0;
    const removed = await pruneVitals(this.#options.db, keepMs);
    this.#prunedAt = performance.now();
    return removed;
  }
}
