import pg from 'pg';
import { withTimeout } from '../foundation/abort.js';
import { messageOf } from '../foundation/errors.js';
import type { Logger } from '../foundation/logger.js';
import { Loop } from '../foundation/loop.js';
import type { Service } from '../foundation/service.js';
import { type ConnectionOptions, clientConfig, greet } from './connection.js';

export interface NotificationsOptions {
  readonly connection: ConnectionOptions;
  readonly channel: string;
  readonly logger: Logger;
  /** How often the connection is proven alive, milliseconds. */
  readonly heartbeatMs?: number;
}

export type NotificationHandler = (payload: string) => void;

/**
 * LISTEN on one channel over a connection of its own, made again whenever it is lost.
 * A notification is a hint: those sent while the connection was away are gone, so every
 * subscriber is called with an empty payload after each (re)connection and must look for itself,
 * and must poll as well. Behind a pooler LISTEN is impossible: then only polling is left.
 */
export class Notifications implements Service {
  readonly name = 'notifications';
  readonly #options: NotificationsOptions;
  readonly #handlers = new Set<NotificationHandler>();
  readonly #loop: Loop;
  #client: pg.Client | undefined;
  #pollOnly = false;

  constructor(options: NotificationsOptions) {
    this.#options = options;
    this.#loop = new Loop({
      name: `LISTEN ${options.channel}`,
      intervalMs: options.heartbeatMs ?? 10_000,
      logger: options.logger,
      runOnce: () => this.runOnce(),
    });
  }

  /** Whether a notification can arrive now. */
  get listening(): boolean {
    return this.#client !== undefined;
  }

  /** @returns the function that ends the subscription. */
  subscribe(handler: NotificationHandler): () => void {
    this.#handlers.add(handler);
    return () => this.#handlers.delete(handler);
  }

  async start(): Promise<void> {
    await this.#loop.start();
  }

  async stop(): Promise<void> {
    await this.#loop.stop();
    await this.#drop();
  }

  /** Connects when there is no connection; otherwise proves that the one there is still answers. */
  async runOnce(): Promise<void> {
    if (this.#pollOnly) return;
    if (!this.#client) return this.#listen();
    try {
      await withTimeout(this.#client.query('select 1'), 5_000, 'the LISTEN heartbeat');
    } catch (error) {
      await this.#drop();
      throw error;
    }
  }

  async #listen(): Promise<void> {
    const client = new pg.Client(clientConfig(this.#options.connection));
    client.on('error', (error) => {
      this.#options.logger.warn({ error: messageOf(error) }, 'the LISTEN connection was lost');
      if (this.#client === client) this.#client = undefined;
      this.#loop.wake();
    });
    client.on('notification', ({ payload }) => this.#deliver(payload ?? ''));
    try {
      await client.connect();
      const server = await greet(client, this.#options.connection);
      if (server.pooled) {
        this.#pollOnly = true;
        await client.end();
        this.#options.logger.warn(
          {},
          'a pooler stands before the database: no LISTEN, new work is found by polling; set DATABASE_DIRECT_URL to mend this',
        );
        return;
      }
      await client.query(`listen ${pg.escapeIdentifier(this.#options.channel)}`);
    } catch (error) {
      await client.end().catch((late: unknown) => {
        this.#options.logger.debug({ error: messageOf(late) }, 'closing a failed LISTEN connection');
      });
      throw error;
    }
    this.#client = client;
    this.#deliver('');
  }

  #deliver(payload: string): void {
    for (const handler of this.#handlers) handler(payload);
  }

  async #drop(): Promise<void> {
    const client = this.#client;
    this.#client = undefined;
    // A dead peer never answers the goodbye: do not wait for it longer than this.
    await withTimeout(client?.end() ?? Promise.resolve(), 2_000, 'closing the LISTEN connection').catch(
      (error: unknown) => {
        this.#options.logger.debug({ error: messageOf(error) }, 'the LISTEN connection was abandoned');
      },
    );
  }
}
