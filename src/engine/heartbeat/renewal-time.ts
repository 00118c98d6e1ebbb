/**
 * Milliseconds of the machine's monotonic clock, for comparing across threads. `performance.now()` will not do:
 * every thread counts from its own start, and `timeOrigin`, which would join them, is wall-clock time and jumps.
 */
export function monotonicMs(): number {
  return Number(process.hrtime.bigint()) / 1e6;
}

/**
 * When the newest successful renewal of one incarnation was asked for. In shared memory and not in messages:
 * a main thread that was blocked must see it in the very turn in which its overdue watchdog fires.
 */
export class RenewalTime {
  readonly buffer: SharedArrayBuffer;
  readonly #micros: BigInt64Array<SharedArrayBuffer>;

  constructor(buffer: SharedArrayBuffer = new SharedArrayBuffer(BigInt64Array.BYTES_PER_ELEMENT)) {
    this.buffer = buffer;
    this.#micros = new BigInt64Array(buffer);
  }

  /** On the scale of `monotonicMs`; 0 before the first renewal. */
  get ms(): number {
    return Number(Atomics.load(this.#micros, 0)) / 1e3;
  }

  /** Never goes back, whichever thread's answer comes last. */
  advance(ms: number): void {
    const wanted = BigInt(Math.floor(ms * 1e3));
    let seen = Atomics.load(this.#micros, 0);
    while (seen < wanted) {
      const found = Atomics.compareExchange(this.#micros, 0, seen, wanted);
      if (found === seen) return;
      seen = found;
    }
  }
}
