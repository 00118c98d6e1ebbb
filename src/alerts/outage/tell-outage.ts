import { type Backoff, backoffDelayMs } from '../../foundation/backoff.js';
import type { Logger } from '../../foundation/logger.js';
import { systemClock } from '../../foundation/time.js';
import type { Alert } from '../alert.js';
import { attempt } from '../notifications/attempt.js';
import type { Outlet } from '../notifications/configured.js';
import { edgeOf, fingerprintOf } from '../notifications/edge.js';
import { messageOf, type NoticeKind } from '../notifications/message.js';
import type { Receipt } from '../notifications/notifier.js';
import { type Quiet, silencing } from '../notifications/policy/quiet.js';
import type { Delivery } from '../notifications/store/deliveries.js';
import { expiryMs, retryBackoff, sendTimeoutMs } from '../notifications/times.js';
import { titleOf } from '../notifications/wording.js';

/** Lines of the delivery log that one channel's outage may leave; of more the last are kept. */
const mostLines = 50;

export interface Telling {
  readonly source: string;
  readonly consoleUrl: string | null;
  readonly logger: Logger;
  /** What is not to be told now, as far as it was known before the database went away. */
  readonly quiets: () => readonly Quiet[];
  /** Fires when the process stops: then nothing more is sent. */
  readonly stopping: AbortSignal;
  readonly timeoutMs?: number | undefined;
  readonly backoff?: Backoff | undefined;
}

/** An outage as long as it lasts, and its end. */
export interface OngoingOutage {
  readonly alert: Alert;
  /** Fires when it is over; `alert` is then what it was at its beginning all the same. */
  readonly over: AbortSignal;
}

/**
 * Tells one channel of an outage, once, however often it has to try; and of its end, if the channel heard or may have
 * heard of the beginning. What could not get through in time is told as a thing of the past.
 * @returns what the delivery log is to say of it
 */
export async function tellOutage(
  outlet: Outlet,
  outage: OngoingOutage,
  telling: Telling,
): Promise<readonly Omit<Delivery, 'id'>[]> {
  const lines: Omit<Delivery, 'id'>[] = [];
  const { stopping } = telling;
  const untilOver = AbortSignal.any([outage.over, stopping]);
  await silence(outage, telling, untilOver);
  if (untilOver.aborted) return lines;
  const alarm = await persist('firing', untilOver);
  if (alarm === 'rejected') return lines;
  await ended(untilOver);
  if (stopping.aborted) return lines;
  await persist(
    alarm === 'unheard' ? 'brief' : 'resolved',
    AbortSignal.any([stopping, AbortSignal.timeout(expiryMs)]),
  );
  return lines;

  /** Tries until it has arrived, is refused for good, or the signal fires. */
  async function persist(kind: NoticeKind, until: AbortSignal): Promise<'heard' | 'unheard' | 'rejected'> {
    let may = false;
    for (let failures = 1; !until.aborted; failures += 1) {
      const receipt = await send(kind);
      if (receipt.outcome === 'delivered') return 'heard';
      if (receipt.outcome === 'rejected') return 'rejected';
      may ||= receipt.uncertain;
      const pause = receipt.retryAfterMs ?? backoffDelayMs(telling.backoff ?? retryBackoff, failures);
      await systemClock.sleep(pause, until);
    }
    return may ? 'heard' : 'unheard';
  }

  async function send(kind: NoticeKind): Promise<Receipt> {
    const { source, logger, timeoutMs = sendTimeoutMs } = telling;
    const { channel, notifier } = outlet;
    const at = new Date();
    const message = messageOf(source, [noticeOf(kind, at)]);
    const { receipt, ms } = await attempt(notifier, message, { signal: stopping, timeoutMs, logger });
    const error = receipt.outcome === 'delivered' ? null : receipt.error;
    if (error === null) logger.info({ channel: channel.name, kind }, 'an outage was told past the database');
    else logger.warn({ channel: channel.name, kind, error }, 'an outage could not be told');
    lines.push({
      channel: channel.name,
      at,
      sender: 'escape',
      outcome: receipt.outcome,
      title: titleOf(message),
      alertIds: [outage.alert.id],
      messageKey: message.key,
      ms: Math.round(ms),
      error,
      reply: receipt.reply === '' ? null : receipt.reply,
      nextTryAt: null,
    });
    if (lines.length > mostLines) lines.shift();
    return receipt;
  }

  function noticeOf(kind: NoticeKind, at: Date) {
    const { alert } = outage;
    const { state, ...facts } = edgeOf(alert, at, telling.consoleUrl);
    const fingerprint = fingerprintOf(alert.rule, alert.labels);
    return Object.freeze({ ...facts, key: `${alert.id}:${kind}:${outlet.channel.name}`, kind, fingerprint });
  }
}

/** Waits as long as a silence or a maintenance window means it. */
async function silence({ alert }: OngoingOutage, { quiets }: Telling, until: AbortSignal): Promise<void> {
  while (!until.aborted) {
    const held = silencing(quiets(), alert, new Date());
    if (held === undefined) return;
    // Looked at again in between: a timer of more than 24 days would end at once.
    await systemClock.sleep(Math.min(held.until.getTime() - Date.now(), 3_600_000), until);
  }
}

async function ended(signal: AbortSignal): Promise<void> {
  if (signal.aborted) return;
  await new Promise<void>((resolve) => signal.addEventListener('abort', () => resolve(), { once: true }));
}
