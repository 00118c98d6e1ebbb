import type { Queryable } from '../../database/queryable.js';
import { tend } from './policy/tend.js';
import { insertMade } from './store/outbox.js';
import { lockSubjects, saveFlapping, saveRemindAt, tendable } from './store/subjects.js';
import { stableMs } from './times.js';

/** Puts into the outbox what time alone makes due: reminders, and the end of flapping. Under the channel's lock. */
export async function tendSubjects(tx: Queryable, channel: string, now: Date): Promise<void> {
  const fingerprints = await tendable(tx, channel, now, new Date(now.getTime() - stableMs));
  if (fingerprints.length === 0) return;
  for (const subject of await lockSubjects(tx, channel, fingerprints)) {
    const { fingerprint } = subject;
    const tending = tend(subject, now);
    switch (tending) {
      case 'settle':
        await insertMade(tx, channel, subject, 'settled', now);
        await saveFlapping(tx, channel, fingerprint, { since: null, settledAt: now });
        break;
      case 'settle_silently':
        await saveFlapping(tx, channel, fingerprint, { since: null, settledAt: now });
        break;
      case 'remind':
        await insertMade(tx, channel, subject, 'reminder', now);
        await saveRemindAt(tx, channel, fingerprint, null);
        break;
      case 'forget':
        await saveRemindAt(tx, channel, fingerprint, null);
        break;
      case 'nothing':
        break;
      default:
        tending satisfies never;
    }
  }
}
