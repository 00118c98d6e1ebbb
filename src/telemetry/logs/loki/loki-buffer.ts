import type { LogLevel } from '../levels.js';
import type { LokiLine } from './loki-push.js';

export interface LokiBounds {
  /** Lines held, those on their way included. */
  readonly lines: number;
  readonly bytes: number;
  readonly batchLines: number;
  readonly batchBytes: number;
}

/** The lines that Loki has not taken yet: so many, and no more. */
export class LokiBuffer {
  readonly #bounds: LokiBounds;
  #waiting: LokiLine[] = [];
  #waitingBytes = 0;
  #lines = 0;
  #bytes = 0;
  #lastMs = 0;
  #inMs = 0;

  constructor(bounds: LokiBounds) {
    this.#bounds = bounds;
  }

  /** Lines held, those on their way included. */
  get lines(): number {
    return this.#lines;
  }

  get hasWaiting(): boolean {
    return this.#waiting.length > 0;
  }

  get hasBatch(): boolean {
    return this.#waiting.length >= this.#bounds.batchLines || this.#waitingBytes >= this.#bounds.batchBytes;
  }

  /** `false` when there is no room: what came first tells how it began. */
  add(level: LogLevel, line: string): boolean {
    if (this.#lines >= this.#bounds.lines) return false;
    const bytes = Buffer.byteLength(line);
    if (this.#bytes + bytes > this.#bounds.bytes) return false;
    this.#waiting.push({ level, at: this.#now(), line, bytes });
    this.#waitingBytes += bytes;
    this.#lines += 1;
    this.#bytes += bytes;
    return true;
  }

  /** The next batch. It is held until it is released. */
  take(): LokiLine[] {
    let bytes = 0;
    const end = this.#waiting.findIndex((line) => {
      bytes += line.bytes;
      return bytes > this.#bounds.batchBytes;
    });
    const fitting = end === -1 ? this.#waiting.length : Math.max(end, 1);
    const batch = this.#waiting.splice(0, Math.min(fitting, this.#bounds.batchLines));
    for (const line of batch) this.#waitingBytes -= line.bytes;
    return batch;
  }

  release(batch: readonly LokiLine[]): void {
    this.#lines -= batch.length;
    for (const line of batch) this.#bytes -= line.bytes;
  }

  /** Lines of one millisecond keep their order. */
  #now(): string {
    const ms = Date.now();
    this.#inMs = ms === this.#lastMs ? this.#inMs + 1 : 0;
    this.#lastMs = ms;
    return `${ms}${String(this.#inMs).padStart(6, '0')}`;
  }
}
