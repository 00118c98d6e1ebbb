import { type Backoff, backoffDelayMs } from '../../../foundation/backoff.js';
import { systemClock } from '../../../foundation/time.js';
import type { LogLevel } from '../levels.js';
import { type LokiBounds, LokiBuffer } from './loki-buffer.js';
import { type LokiLine, pushLines } from './loki-push.js';
import type { LokiTarget } from './loki-target.js';

/** Why lines were dropped: no room; refused by Loki; all tries failed; the process stopped. */
export type LokiDropReason = 'full' | 'refused' | 'failed' | 'stopped';

/** Lines since the start. */
export interface LokiCounts {
  readonly pushed: number;
  readonly dropped: Readonly<Record<LokiDropReason, number>>;
  /** Neither yet. */
  readonly held: number;
}

/** Times in milliseconds. */
export interface LokiOptions extends LokiBounds {
  /** A batch that is not full goes after this time. */
  readonly batchMs: number;
  readonly requestMs: number;
  /** Of one batch. */
  readonly tries: number;
  readonly backoff: Backoff;
  /** Between two words about lines that do not arrive. */
  readonly tellMs: number;
}

const defaults: LokiOptions = {
  lines: 10_000,
  bytes: 8 * 1_024 * 1_024,
  batchLines: 1_000,
  batchBytes: 512 * 1_024,
  batchMs: 1_000,
  requestMs: 10_000,
  tries: 8,
  backoff: { initialMs: 500, factor: 2, maxMs: 30_000, jitter: 0.5 },
  tellMs: 60_000,
};
const maxRetryAfterMs = 60_000;

/** Says in the log of this process, and only there, that lines do not arrive. */
export type TellTrouble = (level: LogLevel, fields: object, message: string) => void;

/**
 * Pushes lines to Loki, one batch at a time. Nobody waits for it: while Loki is away the buffer fills, and what finds
 * no room is counted.
 */
export class LokiPusher {
  readonly #target: LokiTarget;
  readonly #tell: TellTrouble;
  readonly #options: LokiOptions;
  readonly #buffer: LokiBuffer;
  readonly #dropped: Record<LokiDropReason, number> = { full: 0, refused: 0, failed: 0, stopped: 0 };
  /** Fires when no more time is to be lost, and when there is none left. */
  readonly #stopping = new AbortController();
  readonly #over = new AbortController();
  #pushed = 0;
  #sending: Promise<void> | undefined;
  #timer: NodeJS.Timeout | undefined;
  #telling: NodeJS.Timeout | undefined;
  #toldAt = Number.NEGATIVE_INFINITY;
  #toldDropped = 0;
  #reason = '';

  constructor(target: LokiTarget, tell: TellTrouble, options: Partial<LokiOptions> = {}) {
    this.#target = target;
    this.#tell = tell;
    this.#options = { ...defaults, ...options };
    this.#buffer = new LokiBuffer(this.#options);
  }

  get counts(): LokiCounts {
    return { pushed: this.#pushed, dropped: { ...this.#dropped }, held: this.#buffer.lines };
  }

  push(level: LogLevel, line: string): void {
    if (this.#stopping.signal.aborted) {
      this.#dropped.stopped += 1;
    } else if (!this.#buffer.add(level, line)) {
      this.#drop('full', 1);
    } else if (this.#sending === undefined) {
      if (this.#buffer.hasBatch) this.#send();
      else this.#timer ??= setTimeout(() => this.#send(), this.#options.batchMs).unref();
    }
  }

  /** Gives what is held one more try, for so long at most. */
  async stop(withinMs: number): Promise<void> {
    if (this.#stopping.signal.aborted) return this.#sending;
    this.#stopping.abort();
    const end = setTimeout(() => this.#over.abort(), withinMs);
    this.#send();
    await this.#sending;
    clearTimeout(end);
    if (this.#telling !== undefined) this.#tellNow();
  }

  #send(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    this.#sending ??= this.#sendAll().finally(() => {
      this.#sending = undefined;
      if (this.#buffer.hasWaiting)
        this.#timer = setTimeout(() => this.#send(), this.#options.batchMs).unref();
    });
  }

  /** Until less than a batch is left; until nothing is when the process stops. */
  async #sendAll(): Promise<void> {
    while (this.#buffer.hasWaiting) {
      const batch = this.#buffer.take();
      await this.#deliver(batch);
      this.#buffer.release(batch);
      if (!this.#buffer.hasBatch && !this.#stopping.signal.aborted) return;
    }
  }

  async #deliver(batch: readonly LokiLine[]): Promise<void> {
    const { requestMs, tries, backoff } = this.#options;
    for (let failures = 0; ; ) {
      if (this.#over.signal.aborted) return this.#drop('stopped', batch.length);
      const signal = AbortSignal.any([AbortSignal.timeout(requestMs), this.#over.signal]);
      const answer = await pushLines(this.#target, batch, signal);
      switch (answer.kind) {
        case 'taken':
          this.#pushed += batch.length;
          return;
        case 'refused':
          return this.#drop('refused', batch.length, answer.reason);
        case 'failed': {
          failures += 1;
          this.#reason = answer.reason;
          if (this.#stopping.signal.aborted) {
            // What is left would not arrive either.
            this.#over.abort();
            return this.#drop('stopped', batch.length);
          }
          if (failures >= tries) return this.#drop('failed', batch.length);
          const asked = Math.min(answer.retryAfterMs, maxRetryAfterMs);
          await systemClock.sleep(Math.max(backoffDelayMs(backoff, failures), asked), this.#stopping.signal);
          break;
        }
        default:
          answer satisfies never;
      }
    }
  }

  #drop(why: LokiDropReason, lines: number, reason = this.#reason): void {
    this.#dropped[why] += lines;
    this.#reason = reason;
    const dueMs = this.#toldAt + this.#options.tellMs - performance.now();
    this.#telling ??= setTimeout(() => this.#tellNow(), Math.max(dueMs, 0)).unref();
  }

  #tellNow(): void {
    clearTimeout(this.#telling);
    this.#telling = undefined;
    this.#toldAt = performance.now();
    const dropped = Object.values(this.#dropped).reduce((sum, lines) => sum + lines, 0);
    const fields = { dropped: dropped - this.#toldDropped, held: this.#buffer.lines, error: this.#reason };
    this.#toldDropped = dropped;
    this.#tell('warn', fields, 'log lines do not reach Loki and were dropped');
  }
}
