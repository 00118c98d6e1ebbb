import type { Queryable } from '../../database/queryable.js';
import type { Backoff } from '../../foundation/backoff.js';
import { messageOf } from '../../foundation/errors.js';
import { newId } from '../../foundation/ids.js';
import type { Logger } from '../../foundation/logger.js';
import { type Beat, failuresOfOutage } from '../../health/pulse/database-pulse.js';
import type { Alert } from '../alert.js';
import { wants } from '../notifications/channel.js';
import type { Outlet } from '../notifications/configured.js';
import type { Quiet } from '../notifications/policy/quiet.js';
import { insertDelivery } from '../notifications/store/deliveries.js';
import { listSilences } from '../notifications/store/silences.js';
import { saveAlerts } from '../store.js';
import { databaseDown } from './rule.js';
import { type Telling, tellOutage } from './tell-outage.js';

export interface DatabaseOutageOptions {
  readonly db: Queryable;
  readonly outlets: readonly Outlet[];
  /** What the installation calls itself. */
  readonly source: string;
  readonly consoleUrl: string | null;
  /** Which process speaks. */
  readonly who: { readonly host: string; readonly pid: number };
  readonly logger: Logger;
  /** Longest time of one attempt, milliseconds. @default 10000 */
  readonly timeoutMs?: number;
  readonly backoff?: Backoff;
}

interface Outage {
  readonly alert: Alert;
  readonly end: AbortController;
}

/** How old the silences may be that hold while the database is away. */
const quietsMs = 60_000;
const mostQuiets = 1_000;

/**
 * What cannot be told through the database: that it is away. This process judges it by its own beats, and sends straight
 * to the channels, once an outage. Nothing of it outlives the process. What was told is written into the history of the
 * alerts and the delivery log once there is somewhere to write.
 */
export class DatabaseOutage {
  readonly #options: DatabaseOutageOptions;
  readonly #stopping = new AbortController();
  readonly #telling = new Set<Promise<void>>();
  #outage: Outage | undefined;
  #quiets: readonly Quiet[] = [];
  #quietsAt = Number.NEGATIVE_INFINITY;

  constructor(options: DatabaseOutageOptions) {
    this.#options = options;
  }

  /** Whether one goes on. */
  get ongoing(): boolean {
    return this.#outage !== undefined;
  }

  /** Call it with every beat. It never throws, and nobody waits for what it sends. */
  beat({ away, failures, at }: Beat): void {
    if (this.#stopping.signal.aborted) return;
    if (away && this.#outage === undefined) this.#begin(at);
    if (failures > 0) return;
    if (this.#outage !== undefined) this.#end(this.#outage, at);
    if (performance.now() - this.#quietsAt < quietsMs) return;
    this.#quietsAt = performance.now();
    this.#keep(this.#readQuiets());
  }

  /** Sends nothing more. Resolves when nothing of it is under way. */
  async stop(): Promise<void> {
    this.#stopping.abort();
    await this.settled();
  }

  /** Resolves when all that could be told was told. Not while an outage goes on. */
  async settled(): Promise<void> {
    while (this.#telling.size > 0) await Promise.all(this.#telling);
  }

  #begin(at: Date): void {
    const { host, pid } = this.#options.who;
    const { name: rule, severity, remedy, page } = databaseDown;
    const alert: Alert = Object.freeze({
      id: newId(),
      rule,
      labels: Object.freeze({ host, pid: String(pid) }),
      severity,
      state: 'firing',
      value: null,
      summary: `The server on ${host} (process ${pid}) gets no answer from the database: ${failuresOfOutage} pings in a row failed.`,
      remedy,
      page,
      since: at,
      seenAt: at,
      firedAt: at,
      resolvedAt: null,
      acknowledgedAt: null,
      acknowledgedBy: null,
    });
    this.#options.logger.error({ alert: rule, severity, host, remedy }, `alert ${rule}: ${alert.summary}`);
    const end = new AbortController();
    this.#outage = { alert, end };
    const outage = { alert, over: end.signal };
    for (const outlet of this.#options.outlets) {
      if (wants(outlet.channel, severity)) this.#keep(this.#tell(outlet, outage));
    }
  }

  #end({ alert, end }: Outage, at: Date): void {
    this.#outage = undefined;
    end.abort();
    this.#options.logger.info(
      { alert: alert.rule, host: this.#options.who.host },
      `alert ${alert.rule} is over`,
    );
    const over: Alert = { ...alert, state: 'resolved', seenAt: at, resolvedAt: at };
    this.#keep(saveAlerts(this.#options.db, [over]));
  }

  async #tell(outlet: Outlet, outage: { readonly alert: Alert; readonly over: AbortSignal }): Promise<void> {
    const { source, consoleUrl, logger, timeoutMs, backoff, db } = this.#options;
    const quiets = () => this.#quiets;
    const telling: Telling = {
      ...{ source, consoleUrl, logger, timeoutMs, backoff, quiets },
      stopping: this.#stopping.signal,
    };
    const lines = await tellOutage(outlet, outage, telling);
    // While it goes on there is nowhere to write.
    if (!outage.over.aborted) return;
    for (const line of lines) await insertDelivery(db, line);
  }

  async #readQuiets(): Promise<void> {
    this.#quiets = await listSilences(this.#options.db, { past: false, limit: mostQuiets });
  }

  #keep(work: Promise<void>): void {
    const kept = work
      .catch((error: unknown) => {
        this.#options.logger.warn(
          { error: messageOf(error) },
          'what an outage needs of the database did not work',
        );
      })
      .finally(() => this.#telling.delete(kept));
    this.#telling.add(kept);
  }
}
