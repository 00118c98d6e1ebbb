import pg from 'pg';
import { type ConnectionOptions, clientConfig, greet } from '../../database/connection.js';
import { waitOrAbort, withTimeout } from '../../foundation/abort.js';
import { messageOf } from '../../foundation/errors.js';
import type { Logger } from '../../foundation/logger.js';
import { Loop } from '../../foundation/loop.js';
import type { Service } from '../../foundation/service.js';
import { renewLease } from '../sql/workers.js';
import type { Hold } from './messages.js';
import { monotonicMs, RenewalTime } from './renewal-time.js';

export interface RenewerOptions {
  /** Its time-outs bound each statement and each connecting, and with them a turn. */
  readonly connection: ConnectionOptions;
  readonly leaseMs: number;
  readonly logger: Logger;
  /** The database says that the lease has ended. Said once; the incarnation is not renewed again. */
  readonly onLost: (workerId: string) => void;
}

/** How long the goodbye to the server may take. */
const goodbyeMs = 500;

/**
 * Renews one lease at a time over a connection of its own, which is made again whenever it is lost. It knows
 * neither pool nor worker: in a thread of its own it goes on while the main thread runs a handler that blocks.
 */
export class Renewer implements Service {
  readonly name = 'heartbeat';
  readonly #options: RenewerOptions;
  readonly #loop: Loop;
  #hold: Hold | undefined;
  #client: pg.Client | undefined;

  constructor(options: RenewerOptions) {
    this.#options = options;
    const { leaseMs } = options;
    this.#loop = new Loop({
      name: this.name,
      intervalMs: leaseMs / 4,
      // Short beside the lease: between the loss of a connection and that of the lease many tries must fit.
      errorBackoff: { initialMs: leaseMs / 100, factor: 2, maxMs: leaseMs / 10, jitter: 0.5 },
      logger: options.logger,
      runOnce: (signal) => this.runOnce(signal),
    });
  }

  /** From now on this lease is renewed and no other, beginning at once. */
  hold(hold: Hold): void {
    this.#hold = hold;
    this.#loop.wake();
  }

  /** Nothing is renewed until the next `hold`. */
  release(): void {
    this.#hold = undefined;
  }

  async start(): Promise<void> {
    await this.#loop.start();
  }

  async stop(): Promise<void> {
    this.#hold = undefined;
    await this.#loop.stop();
    await this.#drop();
  }

  /** One renewal. Its error means that nothing is known; the connection is then a new one next time. */
  async runOnce(signal: AbortSignal): Promise<void> {
    if (this.#hold === undefined) return;
    try {
      const client = await this.#connect(signal);
      // Only now: while connecting, another incarnation may have taken the place of the first.
      const hold = this.#hold;
      if (hold !== undefined) await this.#renew(client, hold, signal);
    } catch (error) {
      void this.#drop();
      throw error;
    }
  }

  async #renew(client: pg.Client, hold: Hold, signal: AbortSignal): Promise<void> {
    const { leaseMs, onLost } = this.#options;
    // Counted from before the question: the answer may be long on its way.
    const asked = monotonicMs();
    const renewed = await this.#limited(
      renewLease(client, hold.workerId, leaseMs),
      signal,
      'renewing the lease',
    );
    if (renewed) return new RenewalTime(hold.renewalTime).advance(asked);
    if (this.#hold !== hold) return;
    this.#hold = undefined;
    onLost(hold.workerId);
  }

  async #connect(signal: AbortSignal): Promise<pg.Client> {
    if (this.#client !== undefined) return this.#client;
    const { connection, logger } = this.#options;
    const client = new pg.Client(clientConfig(connection));
    this.#client = client;
    client.on('error', (error) => {
      logger.debug({ error: messageOf(error) }, 'the heartbeat connection was lost');
      if (this.#client !== client) return;
      void this.#drop();
      this.#loop.wake();
    });
    await this.#limited(client.connect(), signal, 'connecting the heartbeat');
    await this.#limited(greet(client, connection), signal, 'the greeting of the heartbeat');
    return client;
  }

  /** `connection` bounds these on the server too; here it is about a server that answers no more. */
  #limited<T>(promise: Promise<T>, signal: AbortSignal, what: string): Promise<T> {
    const { connectTimeoutMs, statementTimeoutMs } = this.#options.connection;
    return withTimeout(waitOrAbort(promise, signal), Math.max(connectTimeoutMs, statementTimeoutMs), what);
  }

  /** Never rejects. A statement under way is cut off. */
  async #drop(): Promise<void> {
    const client = this.#client;
    if (client === undefined) return;
    this.#client = undefined;
    await withTimeout(client.end(), goodbyeMs, 'closing the heartbeat connection').catch((error: unknown) => {
      this.#options.logger.debug({ error: messageOf(error) }, 'the heartbeat connection was abandoned');
    });
  }
}
