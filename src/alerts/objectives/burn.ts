import { type BurnLimit, budgetWindowMs, type Events, leastEvents, type Measured } from './objective.js';

/** What is left of a budget; `null` where there was no event to judge by. */
export interface Budget {
  readonly events: Events;
  /** Share of good events. */
  readonly ratio: number | null;
  /** Share of the budget that is left; below 0 when it is overspent. */
  readonly leftRatio: number | null;
  /** Bad events that may still happen; below 0 when it is overspent. */
  readonly leftEvents: number | null;
}

export interface Burn extends BurnLimit {
  /** Times the rate that would use up the budget exactly; `null`: no event. */
  readonly long: number | null;
  readonly short: number | null;
  /** Whether there are enough events to judge by. */
  readonly judged: boolean;
  /** Whether both windows are over the limit. */
  readonly over: boolean;
}

const none: Events = Object.freeze({ total: 0, good: 0 });

export function budgetOf({ objective, windows }: Measured): Budget {
  const events = windows.get(budgetWindowMs) ?? none;
  const { total, good } = events;
  const allowed = (1 - objective.target) * total;
  const left = allowed - (total - good);
  const known = total > 0;
  return Object.freeze({
    events,
    ratio: known ? good / total : null,
    leftRatio: known ? left / allowed : null,
    leftEvents: known ? left : null,
  });
}

export function burnOf({ objective, windows }: Measured, limit: BurnLimit): Burn {
  const rate = ({ total, good }: Events) =>
    total === 0 ? null : (total - good) / total / (1 - objective.target);
  const longEvents = windows.get(limit.longMs) ?? none;
  const long = rate(longEvents);
  const short = rate(windows.get(limit.shortMs) ?? none);
  const judged = longEvents.total >= leastEvents;
  const over = judged && (long ?? 0) > limit.factor && (short ?? 0) > limit.factor;
  return Object.freeze({ ...limit, long, short, judged, over });
}
