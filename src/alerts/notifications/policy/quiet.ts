import { cronSlots } from '../../../engine/schedules/slots.js';
import type { Facts } from '../facts.js';

/** Which alerts are meant: of the rule, if one is named, with all these labels. Neither: every alert. */
export interface Matcher {
  readonly rule: string | null;
  readonly labels: Readonly<Record<string, string>>;
}

/** A silence or a maintenance window: when and for what nothing is sent. */
export interface Quiet extends Matcher {
  readonly id: string;
  readonly startsAt: Date;
  /** `null`: for ever, at the times of `every`. */
  readonly endsAt: Date | null;
  /** Only for so long after each slot of the cron expression. */
  readonly every: { readonly cron: string; readonly timeZone: string; readonly durationMs: number } | null;
}

export function matches(matcher: Matcher, facts: Pick<Facts, 'rule' | 'labels'>): boolean {
  if (matcher.rule !== null && matcher.rule !== facts.rule) return false;
  return Object.entries(matcher.labels).every(([name, value]) => facts.labels[name] === value);
}

/** Until when it is quiet, if it is at `now`. */
export function quietUntil(quiet: Quiet, now: Date): Date | undefined {
  if (now < quiet.startsAt || (quiet.endsAt !== null && now >= quiet.endsAt)) return undefined;
  if (quiet.every === null) return quiet.endsAt ?? undefined;
  const { cron, timeZone, durationMs } = quiet.every;
  const [slot] = cronSlots(cron, timeZone).upTo(now, 1);
  if (slot === undefined) return undefined;
  const end = new Date(slot.getTime() + durationMs);
  if (end <= now) return undefined;
  return quiet.endsAt !== null && quiet.endsAt < end ? quiet.endsAt : end;
}

export interface Silenced {
  readonly by: string;
  readonly until: Date;
}

/** What keeps the alert quiet the longest, if anything does. */
export function silencing(
  quiets: readonly Quiet[],
  facts: Pick<Facts, 'rule' | 'labels'>,
  now: Date,
): Silenced | undefined {
  let longest: Silenced | undefined;
  for (const quiet of quiets) {
    if (!matches(quiet, facts)) continue;
    const until = quietUntil(quiet, now);
    if (until !== undefined && (longest === undefined || until > longest.until)) {
      longest = { by: quiet.id, until };
    }
  }
  return longest;
}
