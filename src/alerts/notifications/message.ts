import { createHash } from 'node:crypto';
import type { Facts } from './facts.js';

/**
 * What is said of an alert. `brief`: it fired and was over before anybody was told. `reminder`: still firing.
 * `flapping`: changes too often to be told each time.
 */
export type NoticeKind = 'firing' | 'resolved' | 'brief' | 'reminder' | 'flapping' | 'test';

export interface Notice extends Facts {
  /** The same whenever this is sent again: alert, edge and channel. */
  readonly key: string;
  readonly kind: NoticeKind;
  readonly alertId: string;
  /** The same for all firings of the rule with these labels. */
  readonly fingerprint: string;
  readonly at: Date;
}

/** What goes out at once; at least one notice, the oldest first. */
export interface Message {
  /** Made of its notices' keys: a message that is sent again unchanged has the same. */
  readonly key: string;
  /** Which installation speaks. */
  readonly source: string;
  readonly notices: readonly [Notice, ...Notice[]];
}

export function messageOf(source: string, notices: readonly [Notice, ...Notice[]]): Message {
  const hash = createHash('sha256');
  for (const { key } of notices) hash.update(`${key}\n`);
  return Object.freeze({ key: hash.digest('hex').slice(0, 32), source, notices: Object.freeze(notices) });
}

/** Whether it says that something is wrong; whoever got it gets the recovery too. */
export function isAlarm(kind: NoticeKind): boolean {
  return kind === 'firing' || kind === 'reminder' || kind === 'flapping';
}
