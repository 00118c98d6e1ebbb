/** Looks further apart than this say nothing about the time between them. */
const longestGapMs = 60_000;

/** Remembers since when things have been seen at every look. Holds what the last look saw, no more. */
export class Sightings {
  readonly #now: () => number;
  #since = new Map<string, number>();
  #lookedAt = Number.NEGATIVE_INFINITY;

  /** `now`: milliseconds of a steady clock. */
  constructor(now: () => number) {
    this.#now = now;
  }

  /** Notes what is seen now. @returns what of it has been seen for `ms` milliseconds without a break */
  lasting(seen: readonly string[], ms: number): ReadonlySet<string> {
    const now = this.#now();
    const fresh = now - this.#lookedAt > longestGapMs;
    this.#since = new Map(seen.map((key) => [key, fresh ? now : (this.#since.get(key) ?? now)]));
    this.#lookedAt = now;
    return new Set(seen.filter((key) => now - (this.#since.get(key) ?? now) >= ms));
  }
}
