import type { NoticeKind } from '../message.js';
import { maxEdges } from '../times.js';
import { type Entry, owesRecovery, type Subject } from './entry.js';
import { type Quiet, type Silenced, silencing } from './quiet.js';

/** Why nobody is told. `unneeded`: it takes back what nobody there was told. */
export type Drop = 'collapsed' | 'damped' | 'silenced' | 'unneeded' | 'expired';

export type Verdict =
  | { readonly kind: 'send'; readonly as: NoticeKind }
  | { readonly kind: 'hold'; readonly until: Date; readonly by: string }
  | { readonly kind: 'drop'; readonly as: Drop };

export interface Case {
  readonly subject: Subject;
  /** All that is undelivered about it, oldest first. */
  readonly entries: readonly Entry[];
  /** Edges within the window, and since flapping last ended. */
  readonly recentEdges: number;
  readonly quiets: readonly Quiet[];
  readonly now: Date;
}

/** Whether it has begun to change too often to be told each time. */
export function beginsFlapping({ subject, recentEdges }: Pick<Case, 'subject' | 'recentEdges'>): boolean {
  return subject.flappingSince === null && recentEdges > maxEdges;
}

/** Decides about every entry. Pure: what happened, what was told, and the time. */
export function judge(about: Case): ReadonlyMap<string, Verdict> {
  const { subject, entries, quiets, now } = about;
  const silence = silencing(quiets, subject.facts, now);
  const decide = subject.flappingSince === null ? whenSteady : whenFlapping;
  return new Map(entries.map((entry) => [entry.id, decide(entry, about, silence)]));
}

function whenFlapping(entry: Entry, { now }: Case, silence: Silenced | undefined): Verdict {
  return entry.kind === 'flapping' ? alarm(entry, 'flapping', now, silence) : drop('damped');
}

function whenSteady(entry: Entry, about: Case, silence: Silenced | undefined): Verdict {
  const { subject, entries, now } = about;
  // Undelivered since it flapped: how that ended is what counts.
  if (isEdge(entry.kind) && entries.some(({ at, kind }) => kind === 'settled' && at >= entry.at)) {
    return drop('damped');
  }
  switch (entry.kind) {
    case 'flapping':
      return drop('collapsed');
    case 'firing':
      return other(entries, entry, 'resolved') === undefined
        ? alarm(entry, 'firing', now, silence)
        : drop(wasKeptQuiet(entry, silence) ? 'silenced' : 'collapsed');
    case 'resolved':
      return recovery(entry, about, silence);
    case 'settled':
      if (entries.some(({ at, kind }) => at > entry.at && isEdge(kind))) return drop('collapsed');
      if (subject.state === 'firing') return alarm(entry, 'firing', now, silence);
      return owesRecovery(subject.told) ? send(entry, 'resolved', now) : drop('unneeded');
    case 'reminder':
      if (subject.state !== 'firing' || subject.acknowledgedAt !== null) return drop('unneeded');
      return alarm(entry, owesRecovery(subject.told) ? 'reminder' : 'firing', now, silence);
    default:
      return entry.kind satisfies never;
  }
}

/** Sent in a silence too: whoever got the alarm gets its end. */
function recovery(entry: Entry, { subject, entries, now }: Case, silence: Silenced | undefined): Verdict {
  if (subject.told === 'perhaps') return send(entry, 'resolved', now);
  const untold = other(entries, entry, 'firing');
  if (untold !== undefined) {
    return wasKeptQuiet(untold, silence) ? drop('silenced') : send(entry, 'brief', now);
  }
  return owesRecovery(subject.told) ? send(entry, 'resolved', now) : drop('unneeded');
}

function alarm(entry: Entry, as: NoticeKind, now: Date, silence: Silenced | undefined): Verdict {
  if (silence !== undefined) return { kind: 'hold', ...silence };
  return send(entry, as, now);
}

function send(entry: Entry, as: NoticeKind, now: Date): Verdict {
  return now >= entry.expiresAt ? drop('expired') : { kind: 'send', as };
}

function drop(as: Drop): Verdict {
  return { kind: 'drop', as };
}

/** The other edge of the same period of firing, when it is undelivered too. */
function other(
  entries: readonly Entry[],
  { alertId }: Entry,
  kind: 'firing' | 'resolved',
): Entry | undefined {
  return entries.find((entry) => entry.alertId === alertId && entry.kind === kind);
}

function wasKeptQuiet(entry: Entry, silence: Silenced | undefined): boolean {
  return entry.heldBy !== null || silence !== undefined;
}

function isEdge(kind: Entry['kind']): boolean {
  return kind === 'firing' || kind === 'resolved';
}
