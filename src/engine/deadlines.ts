import type { Attempt } from './attempt.js';

/** Tells attempts that their time is over: one timer for all, set for the earliest. */
export class Deadlines {
  readonly #attempts = new Set<Attempt>();
  #timer: NodeJS.Timeout | undefined;
  #wakesAt = Number.POSITIVE_INFINITY;

  watch(attempt: Attempt): void {
    this.#attempts.add(attempt);
    if (attempt.endsAt < this.#wakesAt) this.#arm(attempt.endsAt);
  }

  forget(attempt: Attempt): void {
    this.#attempts.delete(attempt);
  }

  stop(): void {
    clearTimeout(this.#timer);
    this.#wakesAt = Number.POSITIVE_INFINITY;
  }

  #arm(at: number): void {
    clearTimeout(this.#timer);
    this.#wakesAt = at;
    if (at === Number.POSITIVE_INFINITY) return;
    this.#timer = setTimeout(() => this.#ring(), Math.max(at - performance.now(), 1));
    this.#timer.unref();
  }

  #ring(): void {
    const now = performance.now();
    let earliest = Number.POSITIVE_INFINITY;
    for (const attempt of this.#attempts) {
      if (attempt.endsAt <= now) {
        this.#attempts.delete(attempt);
        attempt.expire();
      } else {
        earliest = Math.min(earliest, attempt.endsAt);
      }
    }
    this.#arm(earliest);
  }
}
