import { TokenBucket } from '../../foundation/token-bucket.js';
import { type LineCounts, type LogLevel, levelWord, noLines, urgentLevel } from './levels.js';
import { LineSources } from './line-sources.js';

/** Lines a second, below warn. Lines of level warn and above have twice as much, of their own. */
export interface LineRates {
  /** Of one message, numbers and ids in it aside. */
  readonly source: number;
  readonly total: number;
}

/** So many seconds' worth may come at once. */
const burstSeconds = 5;
const urgentFactor = 2;
const tellMs = 10_000;
/** Lines that one summary may take. */
const maxTold = 20;

/** Says that lines were left out. */
export type TellLeftOut = (level: LogLevel, fields: object, message: string) => void;

interface Lane {
  readonly level: LogLevel;
  readonly sources: LineSources;
  readonly total: TokenBucket;
}

/**
 * Bounds how many lines are written. What goes beyond is counted and told every 10 s, by source. A flood of
 * information can take nothing from warnings and errors.
 */
export class LineLimiter {
  readonly #tell: TellLeftOut;
  readonly #now: () => number;
  readonly #ordinary: Lane;
  readonly #urgent: Lane;
  readonly #leftOut = noLines();
  #since = 0;
  #timer: NodeJS.Timeout | undefined;

  constructor(rates: LineRates, tell: TellLeftOut, now = () => performance.now()) {
    this.#tell = tell;
    this.#now = now;
    this.#ordinary = laneOf('info', rates, 1);
    this.#urgent = laneOf('warn', rates, urgentFactor);
  }

  /** Lines left out since the start. */
  get leftOut(): LineCounts {
    return this.#leftOut;
  }

  /** Whether the line is to be written. `level` is pino's number. */
  admit(level: number, message: unknown): boolean {
    const now = this.#now();
    const lane = level >= urgentLevel ? this.#urgent : this.#ordinary;
    const source = lane.sources.of(typeof message === 'string' ? message : '', now);
    if (source.bucket.take(now) && lane.total.take(now)) return true;
    source.leftOut += 1;
    this.#leftOut[levelWord(level)] += 1;
    if (this.#timer === undefined) {
      this.#since = now;
      this.#timer = setTimeout(() => this.tell(), tellMs).unref();
    }
    return false;
  }

  /** Tells now what was left out and has not been told. */
  tell(): void {
    if (this.#timer === undefined) return;
    clearTimeout(this.#timer);
    this.#timer = undefined;
    const seconds = Math.max(Math.round((this.#now() - this.#since) / 1_000), 1);
    for (const lane of [this.#urgent, this.#ordinary]) this.#tellLane(lane, seconds);
  }

  #tellLane({ level, sources }: Lane, seconds: number): void {
    const all = sources.takeLeftOut();
    for (const { template, leftOut } of all.slice(0, maxTold)) {
      this.#tell(
        level,
        { left_out: leftOut, like: template },
        `${leftOut === 1 ? '1 line like' : `${leftOut} lines like`} "${template}" ${leftOut === 1 ? 'was' : 'were'} left out in the last ${seconds} s`,
      );
    }
    const rest = all.slice(maxTold);
    if (rest.length === 0) return;
    const leftOut = rest.reduce((sum, source) => sum + source.leftOut, 0);
    this.#tell(
      level,
      { left_out: leftOut, kinds: rest.length },
      `${leftOut} lines of ${rest.length} further kinds were left out in the last ${seconds} s`,
    );
  }
}

function laneOf(level: LogLevel, rates: LineRates, factor: number): Lane {
  const source = rates.source * factor;
  const total = rates.total * factor;
  return {
    level,
    sources: new LineSources(source, source * burstSeconds),
    total: new TokenBucket(total, total * burstSeconds),
  };
}
