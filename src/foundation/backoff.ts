/** Exponential delay between attempts. All times in milliseconds. */
export interface Backoff {
  /** Delay before the second attempt. */
  readonly initialMs: number;
  /** Each further delay is this many times the one before. */
  readonly factor: number;
  /** No delay is longer. */
  readonly maxMs: number;
  /** Share of the delay that is random, 0 (none) to 1 (full jitter): keeps failed work from returning as one herd. */
  readonly jitter: number;
}

export const defaultBackoff: Backoff = Object.freeze({
  initialMs: 1_000,
  factor: 2,
  maxMs: 300_000,
  jitter: 0.3,
});

/** Delay after `failures` failures (1 or more), at most `maxMs`, never negative. */
export function backoffDelayMs(
  backoff: Backoff,
  failures: number,
  random: () => number = Math.random,
): number {
  const exponent = Math.min(Math.max(failures - 1, 0), 60);
  const full = Math.min(backoff.initialMs * backoff.factor ** exponent, backoff.maxMs);
  return Math.round(full * (1 - backoff.jitter * random()));
}
