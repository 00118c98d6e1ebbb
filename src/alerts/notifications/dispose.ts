import type { Queryable } from '../../database/queryable.js';
import type { Sendable } from './policy/batch.js';
import type { Entry, Subject } from './policy/entry.js';
import type { Drop, Verdict } from './policy/judge.js';
import { type DeliveryOutcome, insertDelivery } from './store/deliveries.js';
import { endEntries, holdEntries } from './store/outbox.js';
import { saveRemindAt } from './store/subjects.js';
import { retellMs } from './times.js';
import { oneLine } from './wording.js';

export interface Decided {
  readonly subject: Subject;
  readonly entries: readonly Entry[];
  readonly verdicts: ReadonlyMap<string, Verdict>;
  readonly now: Date;
}

/** Writes down what is not sent, and why. @returns what is */
export async function applyVerdicts(tx: Queryable, channel: string, decided: Decided): Promise<Sendable[]> {
  const { subject, entries, verdicts, now } = decided;
  const sendables: Sendable[] = [];
  const drops: { id: string; outcome: Drop }[] = [];
  const holds: { id: string; by: string; until: Date }[] = [];
  for (const entry of entries) {
    const verdict = verdicts.get(entry.id);
    switch (verdict?.kind) {
      case 'send':
        sendables.push({ entry, as: verdict.as });
        break;
      case 'drop':
        drops.push({ id: entry.id, outcome: verdict.as });
        if (verdict.as === 'silenced' || verdict.as === 'expired') {
          await log(tx, channel, entry, now, {
            outcome: verdict.as,
            why: whyDropped[verdict.as],
            next: null,
          });
        }
        break;
      case 'hold': {
        const { by, until } = verdict;
        holds.push({ id: entry.id, by, until });
        const why = `silence ${by} lasts until ${until.toISOString()}`;
        if (entry.heldBy !== by) await log(tx, channel, entry, now, { outcome: 'held', why, next: until });
        break;
      }
      case undefined:
        break;
      default:
        verdict satisfies never;
    }
  }
  await endEntries(tx, drops, now);
  await holdEntries(tx, holds);
  // It still fires and nobody was told: giving up a message is not giving up the alert.
  if (
    subject.state === 'firing' &&
    sendables.length === 0 &&
    drops.some(({ outcome }) => outcome === 'expired')
  ) {
    await saveRemindAt(tx, channel, subject.fingerprint, new Date(now.getTime() + retellMs));
  }
  return sendables;
}

const whyDropped = {
  silenced: 'it was over before the silence was',
  expired: 'it could not be delivered in time',
} as const;

async function log(
  tx: Queryable,
  channel: string,
  { alertId, facts, kind }: Entry,
  at: Date,
  what: { readonly outcome: DeliveryOutcome; readonly why: string; readonly next: Date | null },
): Promise<void> {
  await insertDelivery(tx, {
    channel,
    at,
    sender: 'policy',
    outcome: what.outcome,
    title: oneLine(`${kind} ${facts.rule}: ${facts.summary}`, 200),
    alertIds: [alertId],
    messageKey: null,
    ms: null,
    error: what.why,
    reply: null,
    nextTryAt: what.next,
  });
}
