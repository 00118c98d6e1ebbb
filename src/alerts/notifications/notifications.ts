import type { Database } from '../../database/database.js';
import type { Queryable } from '../../database/queryable.js';
import type { Engine } from '../../engine/engine.js';
import type { Task } from '../../engine/task.js';
import { isId } from '../../foundation/ids.js';
import type { Logger } from '../../foundation/logger.js';
import type { Alert } from '../alert.js';
import type { Channel } from './channel.js';
import { type Outlet, outletsFrom } from './configured.js';
import { Courier } from './courier.js';
import { edgeOf } from './edge.js';
import type { Receipt } from './notifier.js';
import { Sender } from './sender.js';
import type { NotificationSettings } from './settings.js';
import { Silences } from './silences.js';
import { type Delivery, listDeliveries } from './store/deliveries.js';
import { recordEdges } from './store/edges.js';
import { type ChannelHealth, readHealth } from './store/health.js';
import { acknowledge } from './store/subjects.js';
import { notifyTask } from './task.js';
import { Watchdog } from './watchdog.js';

export interface NotificationsOptions {
  readonly db: Database;
  readonly settings: NotificationSettings;
  readonly logger: Logger;
  /** Absolute URL of the console, to which messages lead. @default null: nobody said */
  readonly consoleUrl?: string | null;
}

/** A channel and how it does. */
export type ChannelReport = Channel & ChannelHealth;

/** Everything about telling people, for those who compose a process, write routes, or evaluate alerts. */
export class Notifications {
  readonly channels: readonly Channel[];
  /** For who must send past the outbox. */
  readonly outlets: readonly Outlet[];
  /** For the engine of every process that may run jobs. */
  readonly task: Task;
  readonly silences: Silences;
  /** Whoever evaluates calls its `ping` after each evaluation. */
  readonly watchdog: Watchdog;
  readonly #options: NotificationsOptions;
  readonly #sender: Sender;

  constructor(options: NotificationsOptions) {
    const { db, settings, logger, consoleUrl = null } = options;
    const outlets = outletsFrom(settings);
    this.#options = options;
    this.outlets = outlets;
    this.channels = Object.freeze(outlets.map(({ channel }) => channel));
    this.#sender = new Sender({ db, outlets, source: settings.source, consoleUrl, logger });
    this.task = notifyTask(this.#sender);
    this.silences = new Silences(db);
    this.watchdog = new Watchdog({ url: settings.watchdogUrl, logger });
  }

  /** In the transaction that changes the alerts. Touches nothing of the engine, which may be what is broken. */
  async record(tx: Queryable, alerts: readonly Alert[], at: Date): Promise<void> {
    const { consoleUrl = null } = this.#options;
    const edges = alerts.map((alert) => edgeOf(alert, at, consoleUrl));
    await recordEdges(tx, edges, this.channels);
  }

  /** What sends, once it is started. One in each process that may evaluate. */
  courier(engine: Pick<Engine, 'enqueue' | 'workers' | 'jobs'>, leading?: () => boolean): Courier {
    const { db, logger } = this.#options;
    return new Courier({ db, sender: this.#sender, engine, logger, ...(leading && { leading }) });
  }

  /** No more reminders of this firing. @returns whether it fires as far as any channel knows */
  async acknowledge(alertId: string, by: string): Promise<boolean> {
    return isId(alertId) && acknowledge(this.#options.db, alertId, by.slice(0, 200));
  }

  /** @throws channel_unknown, with those that there are */
  require(channel: string): Channel {
    return this.#sender.require(channel).channel;
  }

  /** Sends a test message now. @throws channel_unknown */
  async test(channel: string, by: string, signal: AbortSignal): Promise<Receipt & { readonly ms: number }> {
    return this.#sender.test(channel, by, signal);
  }

  /** The delivery log, newest first, at most 1,000 lines. */
  async deliveries(
    filter: {
      readonly channel?: string | undefined;
      readonly alertId?: string | undefined;
      readonly before?: string | undefined;
      readonly limit?: number;
    } = {},
  ): Promise<Delivery[]> {
    return listDeliveries(this.#options.db, { ...filter, limit: Math.min(filter.limit ?? 100, 1_000) });
  }

  /** One entry for each channel that is set. */
  async health(): Promise<ChannelReport[]> {
    const names = this.channels.map(({ name }) => name);
    const byName = new Map((await readHealth(this.#options.db, names)).map((one) => [one.channel, one]));
    return this.channels.flatMap((channel) => {
      const health = byName.get(channel.name);
      return health === undefined ? [] : [Object.freeze({ ...channel, ...health })];
    });
  }
}
