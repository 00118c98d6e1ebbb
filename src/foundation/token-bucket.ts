/** So many at once, and after that so many a second. Times in milliseconds, on one clock that does not go back. */
export class TokenBucket {
  readonly #intervalMs: number;
  readonly #windowMs: number;
  /** When it is full again. */
  #fullAt = Number.NEGATIVE_INFINITY;

  /** Both above 0. */
  constructor(perSecond: number, burst: number) {
    this.#intervalMs = 1_000 / perSecond;
    this.#windowMs = burst * this.#intervalMs;
  }

  /** Takes one; `false` when there is none. */
  take(nowMs: number): boolean {
    const fullAt = Math.max(this.#fullAt, nowMs) + this.#intervalMs;
    if (fullAt - nowMs > this.#windowMs + 1e-6) return false;
    this.#fullAt = fullAt;
    return true;
  }

  /** As new, so that nobody misses it. */
  isFull(nowMs: number): boolean {
    return this.#fullAt <= nowMs;
  }
}
