import type { Database } from '../../database/database.js';
import { newId } from '../../foundation/ids.js';
import type { Logger } from '../../foundation/logger.js';
import { systemClock } from '../../foundation/time.js';
import { attempt } from './attempt.js';
import { type ComposeDeps, claimMessage } from './compose.js';
import type { Outlet } from './configured.js';
import { notificationErrors } from './errors.js';
import { messageOf } from './message.js';
import type { Receipt } from './notifier.js';
import { recordReceipt } from './record.js';
import { databaseNow } from './store/channels.js';
import { insertDelivery } from './store/deliveries.js';
import { sendTimeoutMs } from './times.js';
import { titleOf } from './wording.js';

export interface SenderOptions {
  readonly db: Database;
  readonly outlets: readonly Outlet[];
  /** What the installation calls itself. */
  readonly source: string;
  /** Where a test message leads. @default null */
  readonly consoleUrl?: string | null;
  readonly logger: Logger;
  /** Longest time of one attempt, milliseconds; less than a claim lasts. @default 10000 */
  readonly timeoutMs?: number;
  /** @default the database's */
  readonly clock?: ComposeDeps['clock'];
  /** 0 up to 1. @default Math.random */
  readonly random?: () => number;
}

/** How many messages of one channel. */
export interface Drained {
  readonly delivered: number;
  readonly failed: number;
}

/** After so many messages somebody else may go on: no job shall last for ever. */
const maxMessages = 100;
/** So that the wait is surely over by the database's clock. */
const marginMs = 20;

/** Sends what is due, from wherever it is called: a job, or past the engine. */
export class Sender {
  readonly #options: SenderOptions;
  readonly #compose: ComposeDeps;

  constructor(options: SenderOptions) {
    this.#options = options;
    const { db, source, clock = databaseNow } = options;
    this.#compose = { db, source, clock };
  }

  get channels(): readonly string[] {
    return this.#options.outlets.map(({ channel }) => channel.name);
  }

  /**
   * Sends what is due on one channel, message after message at its rate, until there is nothing more, one fails, or
   * the signal fires. Failures of delivery are counts; it rejects when the database fails.
   * @throws channel_unknown
   */
  async drain(channel: string, sender: 'job' | 'escape', signal: AbortSignal): Promise<Drained> {
    const outlet = this.require(channel);
    let delivered = 0;
    while (!signal.aborted && delivered < maxMessages) {
      const receipt = await this.#next(outlet, sender, signal);
      if (receipt === undefined) break;
      if (receipt.outcome === 'retry') return { delivered, failed: 1 };
      if (receipt.outcome === 'delivered') delivered += 1;
      await systemClock.sleep(outlet.notifier.intervalMs + marginMs, signal);
    }
    return { delivered, failed: 0 };
  }

  /**
   * Sends a message that says that it is a test, past silences, rate and outbox.
   * @throws channel_unknown
   */
  async test(channel: string, by: string, signal: AbortSignal): Promise<Receipt & { readonly ms: number }> {
    const { notifier } = this.require(channel);
    const { db, source, consoleUrl = null, logger, timeoutMs = sendTimeoutMs } = this.#options;
    const at = await this.#compose.clock(db);
    const message = messageOf(source, [testNotice(channel, by, at, consoleUrl)]);
    const { receipt, ms } = await attempt(notifier, message, { signal, timeoutMs, logger });
    await insertDelivery(db, {
      channel,
      at,
      sender: 'test',
      outcome: receipt.outcome,
      title: titleOf(message),
      alertIds: [],
      messageKey: message.key,
      ms: Math.round(ms),
      error: receipt.outcome === 'delivered' ? null : receipt.error,
      reply: receipt.reply === '' ? null : receipt.reply,
      nextTryAt: null,
    });
    return { ...receipt, ms };
  }

  async #next(outlet: Outlet, sender: 'job' | 'escape', signal: AbortSignal): Promise<Receipt | undefined> {
    const { logger, timeoutMs = sendTimeoutMs, random = Math.random } = this.#options;
    const claim = await claimMessage(this.#compose, outlet);
    if (claim === undefined) return undefined;
    const { notifier } = outlet;
    const { receipt, ms } = await attempt(notifier, claim.message, { signal, timeoutMs, logger });
    await recordReceipt({ ...this.#compose, random }, { claim, receipt, notifier, sender, ms });
    if (receipt.outcome !== 'delivered') {
      logger.warn(
        { channel: claim.channel, outcome: receipt.outcome, error: receipt.error, ms: Math.round(ms) },
        'a notification was not delivered',
      );
    }
    return receipt;
  }

  /** @throws channel_unknown, with those that there are */
  require(name: string): Outlet {
    const found = this.#options.outlets.find(({ channel }) => channel.name === name);
    if (found !== undefined) return found;
    const known = this.channels.length === 0 ? 'none is set' : `there are ${this.channels.join(', ')}`;
    throw notificationErrors.channel_unknown(`There is no channel ${name.slice(0, 100)}: ${known}.`);
  }
}

function testNotice(channel: string, by: string, at: Date, link: string | null) {
  const alertId = newId();
  return Object.freeze({
    key: `${alertId}:test:${channel}`,
    kind: 'test' as const,
    alertId,
    fingerprint: `test-${alertId}`,
    rule: 'Test',
    severity: 'info' as const,
    labels: { channel },
    summary: `${by} tests the channel ${channel}. Nothing is wrong.`,
    remedy: '',
    link,
    startedAt: at,
    at,
  });
}
