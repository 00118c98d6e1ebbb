import {
  type CatchUpPolicy,
  type FiringOutcome,
  maxCaughtUp,
  missedAfterMs,
  type OverlapPolicy,
} from './schedule.js';
import type { CronSlots } from './slots.js';

/** What a decision rests on. */
export interface ScheduleState {
  readonly catchUp: CatchUpPolicy;
  readonly overlap: OverlapPolicy;
  /** The first slot about which nothing is decided yet. */
  readonly nextSlot: Date | null;
  readonly heldSlot: Date | null;
  /** Whether a job of this schedule has not ended. */
  readonly busy: boolean;
}

export interface MissedSlots {
  readonly from: Date;
  readonly to: Date;
  /** `null`: more than were counted. */
  readonly count: number | null;
}

export interface PlannedFiring {
  readonly slot: Date;
  readonly outcome: Exclude<FiringOutcome, 'missed'>;
}

/** What one turn does with one schedule. Every slot up to now is in exactly one place, or still undecided. */
export interface TurnPlan {
  /** The held slot whose job goes now. */
  readonly release: Date | null;
  readonly firings: readonly PlannedFiring[];
  readonly missed: MissedSlots | null;
  /** The first slot that stays undecided; later than now unless `unfinished`. */
  readonly nextSlot: Date | null;
  readonly heldSlot: Date | null;
  /** Slots that are due were left to the next turn. */
  readonly unfinished: boolean;
}

/** Slots that `none` and `latest` look back for; more than the cron of every second has in `missedAfterMs`. */
const lookBack = 100;

/** Decides. Pure: the same state and instant always give the same plan. */
export function planTurn(slots: CronSlots, state: ScheduleState, now: Date, maxFirings: number): TurnPlan {
  const release = state.busy ? null : state.heldSlot;
  const due = dueSlots(slots, state.nextSlot, now, state.catchUp === 'all' ? maxCaughtUp : lookBack);
  const fire = wanted(due.slots, state.catchUp, now);
  const first = fire[maxFirings];
  const overlapping = overlap(fire.slice(0, maxFirings), state.overlap, {
    busy: state.busy || release !== null,
    held: release === null ? state.heldSlot : null,
  });
  return Object.freeze({
    release,
    firings: overlapping.firings,
    missed: missedOf(due, fire, state.nextSlot),
    nextSlot: first ?? due.next ?? null,
    heldSlot: overlapping.held,
    unfinished: first !== undefined,
  });
}

interface DueSlots {
  /** Oldest first. When not `complete`, the newest ones only. */
  readonly slots: readonly Date[];
  readonly complete: boolean;
  readonly next: Date | undefined;
}

function dueSlots(slots: CronSlots, from: Date | null, now: Date, limit: number): DueSlots {
  const due: Date[] = [];
  let next = from ?? undefined;
  while (next !== undefined && next <= now && due.length <= limit) {
    due.push(next);
    next = slots.after(next);
  }
  if (due.length <= limit) return { slots: due, complete: true, next };
  return { slots: slots.upTo(now, limit + 1), complete: false, next: slots.after(now) };
}

function wanted(due: readonly Date[], catchUp: CatchUpPolicy, now: Date): readonly Date[] {
  if (catchUp === 'all') return due.slice(-maxCaughtUp);
  const inTime = due.filter((slot) => now.getTime() - slot.getTime() <= missedAfterMs);
  // A slot in time stands for the missed ones before it.
  return inTime.length > 0 || catchUp === 'none' ? inTime : due.slice(-1);
}

function missedOf(due: DueSlots, fire: readonly Date[], from: Date | null): MissedSlots | null {
  const missed = due.slots.slice(0, due.slots.length - fire.length);
  const to = missed.at(-1);
  if (to === undefined || from === null) return null;
  return { from, to, count: due.complete ? missed.length : null };
}

function overlap(
  fire: readonly Date[],
  policy: OverlapPolicy,
  now: { busy: boolean; held: Date | null },
): { firings: readonly PlannedFiring[]; held: Date | null } {
  let { busy, held } = now;
  const firings = fire.map((slot): PlannedFiring => {
    if (policy === 'allow' || (!busy && held === null)) {
      busy = true;
      return { slot, outcome: 'enqueued' };
    }
    if (policy === 'skip' || held !== null) return { slot, outcome: 'skipped' };
    held = slot;
    return { slot, outcome: 'held' };
  });
  return { firings, held };
}
