import type { RequestMinute } from '../history/store/requests.js';

const minuteMs = 60_000;
/** While nobody takes them, the oldest are given up: they are unknown then. */
const mostMinutes = 120;

/** Counts answers by the minute until somebody has taken them. Its memory does not grow. */
export class RequestMinutes {
  readonly #now: () => number;
  readonly #minutes = new Map<number, { requests: number; serverErrors: number }>();
  #present = 0;

  /** @param now milliseconds since the epoch */
  constructor(now: () => number) {
    this.#now = now;
  }

  count(status: number): void {
    const minute = this.#current();
    minute.requests += 1;
    if (status >= 500) minute.serverErrors += 1;
  }

  /** Every minute that is kept, with its total so far; the present one too when nothing was asked in it. */
  read(): RequestMinute[] {
    this.#current();
    return [...this.#minutes].map(([at, counts]) => Object.freeze({ at, ...counts }));
  }

  /** These were written: those of them that are over need not be kept. */
  forget(written: readonly RequestMinute[]): void {
    for (const { at, requests } of written) {
      if (at < this.#present && this.#minutes.get(at)?.requests === requests) this.#minutes.delete(at);
    }
  }

  #current(): { requests: number; serverErrors: number } {
    // A clock that is put back must not open a minute again whose total was written.
    this.#present = Math.max(this.#present, startOf(this.#now()));
    const known = this.#minutes.get(this.#present);
    if (known !== undefined) return known;
    const fresh = { requests: 0, serverErrors: 0 };
    this.#minutes.set(this.#present, fresh);
    for (const old of this.#minutes.keys()) {
      if (this.#minutes.size <= mostMinutes) break;
      this.#minutes.delete(old);
    }
    return fresh;
  }
}

function startOf(now: number): number {
  return now - (now % minuteMs);
}
