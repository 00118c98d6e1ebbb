import type { Database } from '../../database/database.js';
import type { Queryable } from '../../database/queryable.js';
import { newId } from '../../foundation/ids.js';
import type { Outlet } from './configured.js';
import { applyVerdicts } from './dispose.js';
import { isAlarm, type Message, messageOf, type Notice } from './message.js';
import { nextBatch, type Sendable } from './policy/batch.js';
import type { Entry, Subject } from './policy/entry.js';
import { beginsFlapping, judge } from './policy/judge.js';
import { lockSendable, saveClaim } from './store/channels.js';
import { insertDelivery } from './store/deliveries.js';
import { claimEntries, edgeTimes, insertMade, openEntries, releaseLost } from './store/outbox.js';
import { currentSilences } from './store/silences.js';
import { lockSubjects, saveFlapping, saveUncertain } from './store/subjects.js';
import { tendSubjects } from './tend-subjects.js';
import { claimMs, flapWindowMs, groupWaitMs } from './times.js';

const maxSubjects = 200;

/** The right to send one message. It ends by itself, so that a sender that dies keeps nothing back. */
export interface Claim {
  readonly id: string;
  readonly channel: string;
  readonly message: Message;
  readonly sent: readonly Sendable[];
}

export interface ComposeDeps {
  readonly db: Database;
  /** What time it is, by the database unless a test says otherwise. */
  readonly clock: (db: Queryable) => Promise<Date>;
  readonly source: string;
}

/**
 * Decides about everything that is due on the channel, and takes the next message. One sender at a time: whoever comes
 * while the channel's row is locked or claimed gets nothing, so no two send the same.
 * @returns `undefined` when there is nothing to send now
 */
export async function claimMessage(deps: ComposeDeps, outlet: Outlet): Promise<Claim | undefined> {
  const channel = outlet.channel.name;
  return deps.db.transaction(async (tx) => {
    const now = await deps.clock(tx);
    const locked = await lockSendable(tx, channel, now);
    if (locked === undefined) return undefined;
    if (locked.lost !== null) await takeOver(tx, channel, locked.lost, now);
    await tendSubjects(tx, channel, now);
    const sendables = await judgeDue(tx, channel, now);
    const sent = nextBatch(sendables, { max: outlet.notifier.batch, failing: locked.failures > 0 });
    const [first, ...rest] = sent.map((one) => noticeOf(one, channel));
    if (first === undefined) return undefined;
    const id = newId();
    const ids = sent.map(({ entry }) => entry.id);
    await claimEntries(tx, ids, id);
    await saveClaim(tx, channel, id, new Date(now.getTime() + claimMs));
    return Object.freeze({ id, channel, message: messageOf(deps.source, [first, ...rest]), sent });
  });
}

/** The sender before died between its claim and its record: what it had goes out again, under the same keys. */
async function takeOver(tx: Queryable, channel: string, lost: string, now: Date): Promise<void> {
  const entries = await releaseLost(tx, channel, lost);
  await saveClaim(tx, channel, null, null);
  await saveUncertain(
    tx,
    channel,
    entries.filter(({ kind }) => kind !== 'resolved').map(({ fingerprint }) => fingerprint),
  );
  await insertDelivery(tx, {
    channel,
    at: now,
    sender: 'policy',
    outcome: 'unknown',
    title: entries.map(({ facts }) => facts.rule).join(', '),
    alertIds: [...new Set(entries.map(({ alertId }) => alertId))],
    messageKey: null,
    ms: null,
    error: 'its sender stopped before it could say what became of it',
    reply: null,
    nextTryAt: now,
  });
}

async function judgeDue(tx: Queryable, channel: string, now: Date): Promise<Sendable[]> {
  const horizon = new Date(now.getTime() + groupWaitMs);
  const entries = await openEntries(tx, channel, { now, horizon, subjects: maxSubjects });
  if (entries.length === 0) return [];
  const fingerprints = [...new Set(entries.map(({ fingerprint }) => fingerprint))];
  const subjects = await lockSubjects(tx, channel, fingerprints);
  const edges = await edgeTimes(tx, channel, fingerprints, new Date(now.getTime() - flapWindowMs));
  const quiets = await currentSilences(tx, now);
  const sendables: Sendable[] = [];
  for (const subject of subjects) {
    const mine = ({ fingerprint }: { readonly fingerprint: string }) => fingerprint === subject.fingerprint;
    const recent = edges.filter((edge) => mine(edge) && edge.at > (subject.settledAt ?? new Date(0)));
    const own = entries.filter(mine);
    const after = await dampen(tx, channel, { subject, entries: own, recentEdges: recent.length, now });
    const verdicts = judge({ ...after, recentEdges: recent.length, quiets, now });
    sendables.push(...(await applyVerdicts(tx, channel, { ...after, verdicts, now })));
  }
  return sendables;
}

interface Dampened {
  readonly subject: Subject;
  readonly entries: readonly Entry[];
}

async function dampen(
  tx: Queryable,
  channel: string,
  about: Dampened & { readonly recentEdges: number; readonly now: Date },
): Promise<Dampened> {
  const { subject, entries, now } = about;
  if (!beginsFlapping(about)) return { subject, entries };
  const { fingerprint, settledAt } = subject;
  await saveFlapping(tx, channel, fingerprint, { since: now, settledAt });
  const made = await insertMade(tx, channel, subject, 'flapping', now);
  return { subject: { ...subject, flappingSince: now }, entries: [...entries, ...made] };
}

function noticeOf({ entry, as }: Sendable, channel: string): Notice {
  const { alertId, kind, number, fingerprint, facts, at } = entry;
  const which = number === 0 ? kind : `${kind}-${number}`;
  return Object.freeze({
    key: `${alertId}:${which}:${channel}`,
    kind: as,
    alertId,
    fingerprint,
    at,
    ...facts,
  });
}

/** Those to whom an alarm of the claim went. */
export function alarmed({ sent }: Claim): string[] {
  return [...new Set(sent.filter(({ as }) => isAlarm(as)).map(({ entry }) => entry.fingerprint))];
}
