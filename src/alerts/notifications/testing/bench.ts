import { createTestDatabase, type TestDatabase } from '../../../database/testing/test-database.js';
import { newId } from '../../../foundation/ids.js';
import { type Logger, silentLogger } from '../../../foundation/logger.js';
import type { Channel } from '../channel.js';
import type { Outlet } from '../configured.js';
import type { AlertEdge } from '../edge.js';
import type { Message, Notice } from '../message.js';
import type { Notifier, Receipt } from '../notifier.js';
import { type Drained, Sender, type SenderOptions } from '../sender.js';
import { type Delivery, listDeliveries } from '../store/deliveries.js';
import { recordEdges } from '../store/edges.js';
import { endSilence, insertSilence, releaseHeld } from '../store/silences.js';

export const delivered: Receipt = Object.freeze({ outcome: 'delivered', reply: 'ok' });
export const rejected: Receipt = Object.freeze({ outcome: 'rejected', error: 'refused for good', reply: '' });

export function failing(more: Partial<Extract<Receipt, { outcome: 'retry' }>> = {}): Receipt {
  const plain = { retryAfterMs: undefined, uncertain: false, answered: false };
  return { outcome: 'retry', error: 'not now', reply: '', ...plain, ...more };
}

/** A receiver in the test's own hands: it keeps what arrives, and answers what `answer` says. */
export class FakeNotifier implements Notifier {
  readonly kind = 'webhook';
  readonly intervalMs = 0;
  readonly batch: number;
  readonly messages: Message[] = [];
  answer: (message: Message, signal: AbortSignal) => Receipt | Promise<Receipt> = () => delivered;

  constructor(batch = 20) {
    this.batch = batch;
  }

  async send(message: Message, { signal }: { readonly signal: AbortSignal }): Promise<Receipt> {
    this.messages.push(message);
    return this.answer(message, signal);
  }

  /** What arrived since the last call: kind and rule of each notice, message by message. */
  take(): string[][] {
    return this.messages.splice(0).map(({ notices }) => notices.map(({ kind, rule }) => `${kind} ${rule}`));
  }

  notices(): Notice[] {
    return this.messages.flatMap(({ notices }) => [...notices]);
  }
}

/** An outbox on a database of its own, with a clock that the test moves. */
export class NotificationBench {
  readonly db: TestDatabase;
  readonly fake = new FakeNotifier();
  now = new Date('2026-01-01T00:00:00Z');

  private constructor(db: TestDatabase) {
    this.db = db;
  }

  static async start(): Promise<NotificationBench> {
    return new NotificationBench(await createTestDatabase());
  }

  async stop(): Promise<void> {
    await this.db.drop();
  }

  channel(name = 'one'): Channel {
    return { name, kind: 'webhook', minSeverity: 'info' };
  }

  sender(options: Partial<SenderOptions> & { readonly logger?: Logger } = {}): Sender {
    const outlets: readonly Outlet[] = [{ channel: this.channel(), notifier: this.fake }];
    return new Sender({
      db: this.db.database,
      outlets,
      source: 'test',
      logger: silentLogger,
      clock: async () => this.now,
      random: () => 0,
      ...options,
    });
  }

  pass(ms: number): void {
    this.now = new Date(this.now.getTime() + ms);
  }

  edge(rule: string, state: 'firing' | 'resolved', more: Partial<AlertEdge> = {}): AlertEdge {
    const startedAt = more.startedAt ?? this.now;
    return {
      alertId: newId(),
      rule,
      severity: 'critical',
      labels: { queue: 'default' },
      state,
      startedAt,
      at: this.now,
      summary: `${rule} is wrong`,
      remedy: 'signalbox start --worker',
      link: null,
      ...more,
    };
  }

  async record(edges: readonly AlertEdge[], names: readonly string[] = ['one']): Promise<void> {
    const channels = names.map((name) => this.channel(name));
    await this.db.database.transaction((tx) => recordEdges(tx, edges, channels));
  }

  /** Records that the alert fires. @returns the same alert's end, at the time at which it is asked for */
  async fires(rule: string, more: Partial<AlertEdge> = {}): Promise<() => Promise<void>> {
    const firing = this.edge(rule, 'firing', more);
    await this.record([firing]);
    return async () => this.record([{ ...firing, state: 'resolved', at: this.now }]);
  }

  /** Two seconds later, all that is due is sent. */
  async drain(sender: Sender = this.sender(), channel = 'one'): Promise<Drained> {
    this.pass(2_000);
    return sender.drain(channel, 'job', new AbortController().signal);
  }

  async silence(rule: string, ms: number): Promise<string> {
    const id = newId();
    await insertSilence(this.db.database, {
      ...{ id, kind: 'silence', rule, labels: {}, every: null, reason: 'known', createdBy: 'ada' },
      ...{ startsAt: this.now, endsAt: new Date(this.now.getTime() + ms) },
    });
    return id;
  }

  async endSilence(id: string): Promise<void> {
    await endSilence(this.db.database, id, this.now);
    await releaseHeld(this.db.database, id, this.now);
  }

  async log(channel = 'one'): Promise<Delivery[]> {
    return (await listDeliveries(this.db.database, { channel, limit: 200 })).reverse();
  }

  async outcomes(): Promise<string[]> {
    const { rows } = await this.db.database.query<{ line: string }>(
      `select kind || ' ' || coalesce(outcome, 'open') as line from signalbox.notification_outbox order by at, id`,
    );
    return rows.map(({ line }) => line);
  }

  async clear(): Promise<void> {
    this.fake.messages.length = 0;
    this.fake.answer = () => delivered;
    await this.db.database.query(`truncate signalbox.notification_channel, signalbox.notification_subject,
      signalbox.notification_outbox, signalbox.notification_silence, signalbox.notification_delivery`);
  }
}
