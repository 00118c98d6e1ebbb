const minuteMs = 60_000;
const hourMs = 3_600_000;

export type ObjectiveKind = 'success' | 'freshness' | 'availability';

/** A share of events that is to be good, over `budgetWindowMs`. */
export interface Objective {
  readonly kind: ObjectiveKind;
  /** `null`: not about a queue. */
  readonly queue: string | null;
  /** From 0 to 1. */
  readonly target: number;
  /** A wait shorter than this is good; `null`: not about waits. */
  readonly withinMs: number | null;
}

/** Events of one window. */
export interface Events {
  readonly total: number;
  readonly good: number;
}

/** An objective with what happened in each window; one that is missing had no event. */
export interface Measured {
  readonly objective: Objective;
  readonly windows: ReadonlyMap<number, Events>;
}

/** How fast a budget may be used, over two windows: the long one that it matters, the short one that it goes on. */
export interface BurnLimit {
  /** Times the rate that would use up the budget exactly within its window. */
  readonly factor: number;
  readonly longMs: number;
  readonly shortMs: number;
}

export const budgetWindowMs: number = 30 * 24 * hourMs;

/** 2 % of the budget within an hour, or 5 % within six: somebody should get up. */
export const fastBurns: readonly BurnLimit[] = Object.freeze([
  { factor: 14.4, longMs: hourMs, shortMs: 5 * minuteMs },
  { factor: 6, longMs: 6 * hourMs, shortMs: 30 * minuteMs },
]);

/** 10 % of it within three days: it will not last. */
export const slowBurns: readonly BurnLimit[] = Object.freeze([
  { factor: 1, longMs: 72 * hourMs, shortMs: 6 * hourMs },
]);

export const windowsMs: readonly number[] = Object.freeze([
  ...new Set([...fastBurns, ...slowBurns].flatMap(({ longMs, shortMs }) => [longMs, shortMs])),
  budgetWindowMs,
]);

/** Fewer events in the long window say nothing: one of three that failed is no trend. */
export const leastEvents = 20;
