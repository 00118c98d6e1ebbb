import { Database } from '../../database/database.js';
import { messageOf } from '../../foundation/errors.js';
import type { Logger } from '../../foundation/logger.js';
import { Loop } from '../../foundation/loop.js';
import type { Service } from '../../foundation/service.js';

/** One may be lost to a hiccup of the network, and a fail-over takes some seconds. Three in a row are an outage. */
export const failuresOfOutage = 3;

/** One question to the database, and what came of it. */
export interface Beat {
  /** When it was answered or given up, by this process's clock. */
  readonly at: Date;
  /** How long the answer took, milliseconds; `null`: there was none. */
  readonly ms: number | null;
  /** Questions in a row without an answer, this one included. */
  readonly failures: number;
  /** So many that the database counts as away. */
  readonly away: boolean;
}

export interface DatabasePulseOptions {
  /** Where the pool of this process goes, a pooler included. */
  readonly database: Pick<Database, 'pooledOptions'>;
  readonly logger: Logger;
  /** After each beat. Must not throw. */
  readonly onBeat?: (beat: Beat) => void;
  /** Pause between two questions, milliseconds. @default 5000 */
  readonly intervalMs?: number;
  /** Longest for the connection, and for the answer, milliseconds. @default 2000 */
  readonly timeoutMs?: number;
}

/**
 * Asks the database every five seconds whether it is there, over a connection that nothing else of the process can
 * hold: a full pool is another trouble than a database that is away.
 */
export class DatabasePulse implements Service {
  readonly name = 'database pulse';
  /** That connection, for what must be written however busy the pool is. One statement at a time, and quick ones. */
  readonly line: Database;
  readonly #options: DatabasePulseOptions;
  readonly #loop: Loop;
  #last: Beat | undefined;

  constructor(options: DatabasePulseOptions) {
    this.#options = options;
    const { database, logger, intervalMs = 5_000, timeoutMs = 2_000 } = options;
    const limits = { connectTimeoutMs: timeoutMs, statementTimeoutMs: timeoutMs };
    this.line = new Database({ ...database.pooledOptions, ...limits, poolSize: 1, logger });
    this.#loop = new Loop({ name: this.name, intervalMs, logger, runOnce: () => this.runOnce() });
  }

  /** `undefined`: it has not been asked yet. */
  get last(): Beat | undefined {
    return this.#last;
  }

  async start(): Promise<void> {
    await this.#loop.start();
  }

  async stop(): Promise<void> {
    await this.#loop.stop();
    await this.line.close();
  }

  /** Never rejects: no answer is what it is there to tell. */
  async runOnce(): Promise<Beat> {
    const before = this.#last?.failures ?? 0;
    const begun = performance.now();
    let ms: number | null = null;
    try {
      await this.line.query('select 1');
      ms = performance.now() - begun;
    } catch (error) {
      this.#tell(before, error);
    }
    const failures = ms === null ? before + 1 : 0;
    const beat = Object.freeze({ at: new Date(), ms, failures, away: failures >= failuresOfOutage });
    if (ms !== null && before > 0)
      this.#options.logger.info({ failures: before }, 'the database answers again');
    this.#last = beat;
    this.#options.onBeat?.(beat);
    return beat;
  }

  /** Once for each outage: it must not fill the log. */
  #tell(failuresBefore: number, error: unknown): void {
    if (failuresBefore > 0) return;
    this.#options.logger.warn({ error: messageOf(error) }, 'the database did not answer a ping');
  }
}
