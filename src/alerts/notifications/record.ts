import type { Queryable } from '../../database/queryable.js';
import { backoffDelayMs } from '../../foundation/backoff.js';
import { alarmed, type Claim, type ComposeDeps } from './compose.js';
import type { NoticeKind } from './message.js';
import type { Notifier, Receipt } from './notifier.js';
import type { Told } from './policy/entry.js';
import { reminderDelayMs } from './policy/tend.js';
import { endClaim, saveFailure, saveSuccess } from './store/channels.js';
import { insertDelivery, type SenderKind } from './store/deliveries.js';
import { endEntries, releaseEntries } from './store/outbox.js';
import { saveRemindAt, saveTold, saveUncertain } from './store/subjects.js';
import { retellMs, retryBackoff } from './times.js';
import { titleOf } from './wording.js';

export interface Attempted {
  readonly claim: Claim;
  readonly receipt: Receipt;
  readonly notifier: Notifier;
  readonly sender: SenderKind;
  readonly ms: number;
}

/**
 * Records what became of a message, all in one transaction behind its claim. When the claim was lost meanwhile only
 * the log says so: somebody else sends, or has sent, the same.
 */
export async function recordReceipt(
  deps: ComposeDeps & { readonly random: () => number },
  attempted: Attempted,
): Promise<void> {
  await deps.db.transaction(async (tx) => {
    const now = await deps.clock(tx);
    const { claim } = attempted;
    const failures = await endClaim(tx, claim.channel, claim.id);
    if (failures === undefined) return log(tx, attempted, now, null);
    const nextTryAt = await settle(tx, attempted, { now, failures, random: deps.random });
    await log(tx, attempted, now, nextTryAt);
  });
}

interface At {
  readonly now: Date;
  readonly failures: number;
  readonly random: () => number;
}

async function settle(tx: Queryable, attempted: Attempted, at: At): Promise<Date | null> {
  const { claim, receipt, notifier } = attempted;
  const { channel, sent } = claim;
  const ids = sent.map(({ entry }) => entry.id);
  const later = (ms: number) => new Date(at.now.getTime() + ms);
  switch (receipt.outcome) {
    case 'delivered':
      await endEntries(tx, endsOf(ids, 'delivered'), at.now);
      await tell(tx, claim, at.now);
      await saveSuccess(tx, channel, at.now, later(notifier.intervalMs));
      return null;
    case 'retry': {
      const { error, retryAfterMs, uncertain, answered } = receipt;
      const delayMs = backoffDelayMs(retryBackoff, at.failures + 1, at.random);
      const throttledUntil = retryAfterMs === undefined ? null : later(retryAfterMs);
      // The receiver knows better than our backoff when to come back.
      const notBefore = later(retryAfterMs === undefined ? delayMs : notifier.intervalMs);
      await releaseEntries(tx, ids, answered ? 1 : 0);
      if (uncertain) await saveUncertain(tx, channel, alarmed(claim));
      await saveFailure(tx, channel, { now: at.now, error, notBefore, throttledUntil });
      return throttledUntil ?? notBefore;
    }
    case 'rejected': {
      const { error } = receipt;
      await endEntries(tx, endsOf(ids, 'rejected'), at.now);
      for (const fingerprint of alarmed(claim)) await saveRemindAt(tx, channel, fingerprint, later(retellMs));
      const notBefore = later(notifier.intervalMs);
      await saveFailure(tx, channel, { now: at.now, error, notBefore, throttledUntil: null });
      return null;
    }
    default:
      return receipt satisfies never;
  }
}

function endsOf<Outcome>(ids: readonly string[], outcome: Outcome): { id: string; outcome: Outcome }[] {
  return ids.map((id) => ({ id, outcome }));
}

const toldBy: Readonly<Record<Exclude<NoticeKind, 'test'>, Told>> = {
  firing: 'firing',
  reminder: 'firing',
  flapping: 'flapping',
  resolved: 'resolved',
  brief: 'resolved',
};

async function tell(tx: Queryable, { channel, sent }: Claim, now: Date): Promise<void> {
  for (const { entry, as } of sent) {
    if (as === 'test') continue;
    const { fingerprint } = entry;
    const told = { told: toldBy[as], at: now, reminder: as === 'reminder' };
    const reminders = await saveTold(tx, channel, fingerprint, told);
    if (as !== 'firing' && as !== 'reminder') continue;
    await saveRemindAt(tx, channel, fingerprint, new Date(now.getTime() + reminderDelayMs(reminders)));
  }
}

async function log(tx: Queryable, attempted: Attempted, now: Date, nextTryAt: Date | null): Promise<void> {
  const { claim, receipt, sender, ms } = attempted;
  await insertDelivery(tx, {
    channel: claim.channel,
    at: now,
    sender,
    outcome: receipt.outcome,
    title: titleOf(claim.message),
    alertIds: [...new Set(claim.sent.map(({ entry }) => entry.alertId))],
    messageKey: claim.message.key,
    ms: Math.round(ms),
    error: receipt.outcome === 'delivered' ? null : receipt.error,
    reply: receipt.reply === '' ? null : receipt.reply,
    nextTryAt,
  });
}
