import type { Queryable } from '../database/queryable.js';
import { messageOf } from '../foundation/errors.js';
import { newId } from '../foundation/ids.js';
import type { Logger } from '../foundation/logger.js';
import { Loop } from '../foundation/loop.js';
import type { Service } from '../foundation/service.js';
import { type RequestMinute, saveRequests } from './store/requests.js';

export interface RequestRecorderOptions {
  readonly db: Queryable;
  readonly logger: Logger;
  /** Where answers are counted by the minute. */
  readonly minutes: {
    read(): readonly RequestMinute[];
    forget(written: readonly RequestMinute[]): void;
  };
  /** Milliseconds between two writes: a process that is killed takes what it answered since with it. @default 10000 */
  readonly intervalMs?: number;
}

/** Writes what this process answered into the history, minute by minute. One row a minute says that it was there. */
export class RequestRecorder implements Service {
  readonly name = 'request history';
  readonly #options: RequestRecorderOptions;
  readonly #process = newId();
  readonly #loop: Loop;

  constructor(options: RequestRecorderOptions) {
    this.#options = options;
    const { logger, intervalMs = 10_000 } = options;
    this.#loop = new Loop({ name: this.name, intervalMs, logger, runOnce: () => this.runOnce() });
  }

  async start(): Promise<void> {
    await this.#loop.start();
  }

  async stop(): Promise<void> {
    await this.#loop.stop();
    try {
      await this.runOnce();
    } catch (error) {
      this.#options.logger.warn(
        { error: messageOf(error) },
        'the last requests are missing in the history: they could not be written',
      );
    }
  }

  async runOnce(): Promise<{ written: number }> {
    const { db, minutes } = this.#options;
    const read = minutes.read();
    await saveRequests(db, this.#process, read);
    minutes.forget(read);
    return { written: read.length };
  }
}
