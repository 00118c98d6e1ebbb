import { symbols } from 'pino';
import { type LineCounts, levelWord, noLines } from './levels.js';
import { boundedLine } from './line-length.js';
import type { LokiPusher } from './loki/loki-pusher.js';
import type { Redactor } from './redactor.js';

/** Level and time, which begin every line, are at least this long: a quarter of an ordinary line. */
const headLength = '{"level":"info","time":"2025-01-01T00:00:00.000Z"'.length;

/** What takes whole lines. */
export interface LineTarget {
  /** pino's number of the level of the next line. */
  lastLevel?: number;
  write(line: string): unknown;
}

/** Where pino's lines go: past the redactor, to the output and to Loki. */
export class LineSink {
  /** Asks pino to set `lastLevel` before each line. */
  readonly [symbols.needsMetadataGsym] = true;
  lastLevel = 0;
  readonly #target: LineTarget;
  readonly #redactor: Redactor;
  readonly #loki: LokiPusher | undefined;
  readonly #written = noLines();
  #onlyHere = false;

  constructor(target: LineTarget, redactor: Redactor, loki: LokiPusher | undefined) {
    this.#target = target;
    this.#redactor = redactor;
    this.#loki = loki;
  }

  get written(): LineCounts {
    return this.#written;
  }

  write(line: string): void {
    const shown = boundedLine(this.#redactor.line(line, headLength));
    const level = levelWord(this.lastLevel);
    this.#written[level] += 1;
    this.#target.lastLevel = this.lastLevel;
    this.#target.write(shown);
    if (!this.#onlyHere) this.#loki?.push(level, shown);
  }

  /** What is logged meanwhile is not pushed: Loki is not told of its own failures. */
  onlyHere(log: () => void): void {
    this.#onlyHere = true;
    try {
      log();
    } finally {
      this.#onlyHere = false;
    }
  }
}
