import { type IntervalHistogram, monitorEventLoopDelay } from 'node:perf_hooks';

export type Percentile = '50' | '99' | '100';
export type Lag = Readonly<Record<Percentile, number>>;

/** A timer's own interval is in every measurement. Milliseconds. */
const resolutionMs = 10;
const windowMs = 10_000;
/** Who asks at least every half minute misses nothing, and however many ask, none takes it from the others. */
const windows = 3;

/** How late the event loop is, measured by its own timer all the time, not when somebody asks. */
export class EventLoopLag {
  readonly #monitor: IntervalHistogram = monitorEventLoopDelay({ resolution: resolutionMs });
  #past: Lag[] = [];
  #timer: NodeJS.Timeout | undefined;

  start(): void {
    if (this.#timer !== undefined) return;
    this.#monitor.enable();
    this.#timer = setInterval(() => this.#turn(), windowMs).unref();
  }

  stop(): void {
    clearInterval(this.#timer);
    this.#timer = undefined;
    this.#monitor.disable();
  }

  /** Seconds, the worst of the last windows and of the one that is under way. `undefined`: nothing was measured yet. */
  read(): Lag | undefined {
    const seen = [...this.#past, ...(this.#monitor.count > 0 ? [this.#now()] : [])];
    if (seen.length === 0) return undefined;
    const worst = (percentile: Percentile) => Math.max(...seen.map((lag) => lag[percentile]));
    return { '50': worst('50'), '99': worst('99'), '100': worst('100') };
  }

  #turn(): void {
    if (this.#monitor.count > 0) this.#past = [...this.#past, this.#now()].slice(-windows);
    this.#monitor.reset();
  }

  #now(): Lag {
    const late = (nanoseconds: number) => Math.max(nanoseconds / 1e9 - resolutionMs / 1e3, 0);
    const { max } = this.#monitor;
    return {
      '50': late(this.#monitor.percentile(50)),
      '99': late(this.#monitor.percentile(99)),
      '100': late(max),
    };
  }
}
