import { reminderMs, stableMs } from '../times.js';
import { owesRecovery, type Subject } from './entry.js';

/** What is to be said of an alert although nothing has changed. */
export type Tending = 'settle' | 'settle_silently' | 'remind' | 'forget' | 'nothing';

/**
 * `settle`: it has stopped flapping, and the channel hears how it ended. `settle_silently`: there is nobody to
 * tell. `forget`: nobody wants the reminder any more.
 */
export function tend(subject: Subject, now: Date): Tending {
  if (subject.flappingSince !== null) {
    if (now.getTime() - subject.edgeAt.getTime() < stableMs) return 'nothing';
    return subject.state === 'firing' || owesRecovery(subject.told) ? 'settle' : 'settle_silently';
  }
  if (subject.remindAt === null || now < subject.remindAt) return 'nothing';
  return subject.state === 'firing' && subject.acknowledgedAt === null ? 'remind' : 'forget';
}

/** How long after the alarm, or after the reminder with this number (from 1), the next one comes. */
export function reminderDelayMs(sent: number): number {
  const last = reminderMs.length - 1;
  return reminderMs[Math.min(Math.max(sent, 0), last)] ?? 0;
}
