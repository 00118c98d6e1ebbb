import type { Database } from '../../database/database.js';
import type { Queryable } from '../../database/queryable.js';
import type { Engine } from '../../engine/engine.js';
import { isSignalboxError, messageOf } from '../../foundation/errors.js';
import type { Logger } from '../../foundation/logger.js';
import { Loop } from '../../foundation/loop.js';
import type { Service } from '../../foundation/service.js';
import type { Sender } from './sender.js';
import { databaseNow, type ReadyChannel, readyChannels, saveJob } from './store/channels.js';
import { prune } from './store/prune.js';
import { notifyQueue, notifyTaskName } from './task.js';
import { escapeAfterMs, keepMs, stableMs } from './times.js';

export interface CourierOptions {
  readonly db: Database;
  readonly sender: Sender;
  readonly engine: Pick<Engine, 'enqueue' | 'workers' | 'jobs'>;
  readonly logger: Logger;
  /** Whether this process is to look. @default always: it is safe anywhere, and needless in more than one */
  readonly leading?: () => boolean;
  /** @default the database's */
  readonly clock?: (db: Queryable) => Promise<Date>;
  /** Milliseconds. @default 1000 */
  readonly intervalMs?: number;
}

export interface CourierTurn {
  /** Channels whose message was left to a worker. */
  readonly asked: number;
  /** Channels that this process sends to itself. */
  readonly escaped: number;
}

const pruneEveryMs = 3_600_000;

/**
 * Sees to it that what is due is sent. A worker does it, as a job. When no live worker would, or none has within 10 s
 * of being due, or the engine cannot even be asked, this process sends from the outbox itself. Each channel goes its own
 * way: one that is slow or dead delays no other.
 */
export class Courier implements Service {
  readonly name = 'courier';
  readonly #options: CourierOptions;
  readonly #loop: Loop;
  readonly #sending = new Map<string, Promise<void>>();
  #stopping = new AbortController();
  #prunedAt = Number.NEGATIVE_INFINITY;

  constructor(options: CourierOptions) {
    this.#options = options;
    const { logger, intervalMs = 1_000 } = options;
    this.#loop = new Loop({ name: this.name, intervalMs, logger, runOnce: () => this.runOnce() });
  }

  async start(): Promise<void> {
    this.#stopping = new AbortController();
    if (this.#options.sender.channels.length > 0) await this.#loop.start();
  }

  /** Looks at once: after edges were recorded. */
  wake(): void {
    this.#loop.wake();
  }

  async stop(): Promise<void> {
    this.#stopping.abort();
    await this.#loop.stop();
    await this.settled();
  }

  /** Resolves when nothing is being sent by this process. */
  async settled(): Promise<void> {
    await Promise.all(this.#sending.values());
  }

  async runOnce(): Promise<CourierTurn> {
    const { db, sender, leading, clock = databaseNow } = this.#options;
    if (leading?.() === false) return { asked: 0, escaped: 0 };
    const now = await clock(db);
    await this.#prune(now);
    const ready = (await readyChannels(db, sender.channels, now, stableMs)).filter(
      ({ channel }) => !this.#sending.has(channel),
    );
    if (ready.length === 0) return { asked: 0, escaped: 0 };
    const served = await this.#isServed();
    const outcomes = await Promise.all(
      ready.map(async (channel) => {
        const late = now.getTime() - channel.since.getTime() >= escapeAfterMs;
        if (served && !late && (await this.#ask(channel))) return 'asked';
        this.#escape(channel);
        return 'escaped';
      }),
    );
    const asked = outcomes.filter((outcome) => outcome === 'asked').length;
    return Object.freeze({ asked, escaped: outcomes.length - asked });
  }

  /** Whether any live worker takes jobs of the queue. When that cannot be found out, none counts. */
  async #isServed(): Promise<boolean> {
    try {
      const workers = await this.#options.engine.workers();
      return workers.some(
        ({ live, status, queues, tasks }) =>
          live &&
          status === 'running' &&
          (queues === null || queues.includes(notifyQueue)) &&
          tasks.includes(notifyTaskName),
      );
    } catch (error) {
      this.#options.logger.warn({ error: messageOf(error) }, 'the workers could not be asked for');
      return false;
    }
  }

  /** One job for each channel at a time: asking again is answered with the one there is. @returns whether it is there */
  async #ask({ channel, job_id: before }: ReadyChannel): Promise<boolean> {
    const { db, engine, logger } = this.#options;
    try {
      const job = await engine.enqueue(notifyTaskName, { channel });
      if (job.id !== before) await saveJob(db, channel, job.id);
      return true;
    } catch (error) {
      logger.warn(
        { channel, error: messageOf(error) },
        'the engine takes no notification; sending without it',
      );
      return false;
    }
  }

  #escape({ channel, job_id: job }: ReadyChannel): void {
    const sending = this.#send(channel, job)
      .catch((error: unknown) => {
        const fields = { channel, error: messageOf(error) };
        this.#options.logger.error(fields, 'notifications could not be sent past the engine; trying again');
      })
      .finally(() => this.#sending.delete(channel));
    this.#sending.set(channel, sending);
  }

  async #send(channel: string, job: string | null): Promise<void> {
    const { sender, logger } = this.#options;
    const drained = await sender.drain(channel, 'escape', this.#stopping.signal);
    if (drained.delivered + drained.failed > 0) {
      logger.info({ channel, ...drained }, 'notifications were sent past the engine');
    }
    if (job !== null) await this.#takeBack(channel, job);
  }

  /** Its work is done, and a job that waits for a worker would be told as work that nobody does. */
  async #takeBack(channel: string, job: string): Promise<void> {
    const { db, engine } = this.#options;
    try {
      await engine.jobs.cancel(job);
    } catch (error) {
      const gone = isSignalboxError(error, 'job_not_cancellable') || isSignalboxError(error, 'job_not_found');
      if (!gone) throw error;
    }
    await saveJob(db, channel, null);
  }

  async #prune(now: Date): Promise<void> {
    if (now.getTime() - this.#prunedAt < pruneEveryMs) return;
    this.#prunedAt = now.getTime();
    await prune(this.#options.db, now, new Date(now.getTime() - keepMs));
  }
}
