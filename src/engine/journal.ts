import type { Database } from '../database/database.js';
import { messageOf } from '../foundation/errors.js';
import type { Logger } from '../foundation/logger.js';
import { storableText } from './failure.js';
import type { JobProgress, LogLevel } from './job.js';
import { storableJson } from './json.js';
import { type Fence, insertLogs, type NewLogLine, saveProgress } from './sql/settle.js';

/** Lines kept of one attempt; the rest are counted, and the count is the last line. */
const maxLines = 1_000;
/** `seq` of an attempt's first line is its number times this, so attempts never share one. */
const linesPerAttempt = 10_000;
const flushMs = 250;

/**
 * What a running attempt says about itself: log lines and progress, written a few times a second.
 * Losing some of it never harms the job, so its errors are logged and go no further.
 */
export class Journal {
  readonly #db: Database;
  readonly #fence: Fence;
  readonly #logger: Logger;
  readonly #onLost: () => void;
  #lines: NewLogLine[] = [];
  #count = 0;
  #dropped = 0;
  #progress: JobProgress | undefined;
  #told: JobProgress | undefined;
  #timer: NodeJS.Timeout | undefined;
  #writing: Promise<void> = Promise.resolve();

  /** `logger` says which job it is. `onLost` is called when the database says that the attempt was taken away. */
  constructor(db: Database, fence: Fence, logger: Logger, onLost: () => void) {
    this.#db = db;
    this.#fence = fence;
    this.#logger = logger;
    this.#onLost = onLost;
  }

  log(level: LogLevel, message: string, data?: Readonly<Record<string, unknown>>): void {
    if (this.#count >= maxLines) {
      this.#dropped += 1;
      return;
    }
    this.#push(level, storableText(message), keptData(data));
    this.#schedule();
  }

  progress(fraction: number, message?: string): void {
    this.#progress = toProgress(fraction, message);
    this.#schedule();
  }

  /** Writes what is left. Called once, when the attempt has ended. */
  async close(): Promise<void> {
    clearTimeout(this.#timer);
    if (this.#dropped > 0) {
      this.#push(
        'warn',
        `${this.#dropped} more lines were not kept: the limit is ${maxLines} an attempt`,
        null,
      );
      this.#dropped = 0;
    }
    await this.#flush();
  }

  #push(level: LogLevel, message: string, data: unknown): void {
    this.#count += 1;
    const seq = this.#fence.attempt * linesPerAttempt + this.#count;
    this.#lines.push({ seq, at: new Date(), level, message, data });
  }

  #schedule(): void {
    if (this.#timer !== undefined) return;
    this.#timer = setTimeout(() => {
      this.#timer = undefined;
      void this.#flush();
    }, flushMs);
  }

  #flush(): Promise<void> {
    this.#writing = this.#writing.then(() => this.#write());
    return this.#writing;
  }

  /** Whether it belongs among the job's events: the message is new, or a twentieth more is done. */
  #isNews({ fraction, message }: JobProgress): boolean {
    const told = this.#told;
    return told === undefined || message !== told.message || Math.abs(fraction - told.fraction) >= 0.05;
  }

  async #write(): Promise<void> {
    const lines = this.#lines;
    const progress = this.#progress;
    this.#lines = [];
    this.#progress = undefined;
    try {
      if (lines.length > 0) await insertLogs(this.#db, this.#fence, lines);
      if (progress === undefined) return;
      const told = this.#isNews(progress);
      if (!(await saveProgress(this.#db, this.#fence, progress, told))) this.#onLost();
      else if (told) this.#told = progress;
    } catch (error) {
      this.#logger.warn(
        { lines: lines.length, error: messageOf(error) },
        'log lines or progress of a job could not be written',
      );
    }
  }
}

/** What is kept of a line's data: all of it, or the word that it cannot be. */
export function keptData(
  data: Readonly<Record<string, unknown>> | undefined,
): Readonly<Record<string, unknown>> | null {
  if (data === undefined) return null;
  return storableJson(data).ok ? data : { unstorable: true };
}

export function toProgress(fraction: number, message: string | undefined): JobProgress {
  return {
    fraction: Number.isFinite(fraction) ? Math.min(Math.max(fraction, 0), 1) : 0,
    message: message === undefined ? null : storableText(message, 200),
  };
}
