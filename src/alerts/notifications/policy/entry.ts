import type { Facts } from '../facts.js';

/**
 * `firing` and `resolved` are the alert's own edges. The others are made by policy: `flapping` when it changes too
 * often, `settled` when that is over, `reminder` when it fires on.
 */
export type EntryKind = 'firing' | 'resolved' | 'flapping' | 'settled' | 'reminder';

/** One undelivered row of the outbox. */
export interface Entry {
  readonly id: string;
  readonly fingerprint: string;
  readonly alertId: string;
  readonly kind: EntryKind;
  readonly number: number;
  readonly at: Date;
  readonly expiresAt: Date;
  /** Attempts that the receiver answered with a failure of its own. */
  readonly tries: number;
  /** The silence that keeps it back. */
  readonly heldBy: string | null;
  readonly facts: Facts;
}

/** What the channel knows. `perhaps`: an alarm was sent and may have arrived. */
export type Told = 'nothing' | 'perhaps' | 'firing' | 'flapping' | 'resolved';

/** One rule with its labels as one channel knows it, beside how it is. */
export interface Subject {
  readonly fingerprint: string;
  readonly alertId: string;
  readonly state: 'firing' | 'resolved';
  readonly edgeAt: Date;
  readonly facts: Facts;
  readonly told: Told;
  readonly remindAt: Date | null;
  readonly flappingSince: Date | null;
  /** When the last flapping ended: edges before it count no more. */
  readonly settledAt: Date | null;
  readonly acknowledgedAt: Date | null;
}

/** Whether somebody there believes, or may believe, that something is wrong. */
export function owesRecovery(told: Told): boolean {
  return told === 'firing' || told === 'flapping' || told === 'perhaps';
}
