import pg from 'pg';
import { AbortReason, withTimeout } from '../foundation/abort.js';
import { isSignalboxError, messageOf } from '../foundation/errors.js';
import type { Logger } from '../foundation/logger.js';
import { type ConnectionOptions, clientConfig, greet, type ServerInfo } from './connection.js';
import { databaseErrors } from './errors.js';
import type { Queryable, QueryResult } from './queryable.js';
import { sqlStateOf, typedDatabaseError } from './sqlstate.js';
import { statementChannel } from './statement-channel.js';
import { StatementNames } from './statement-names.js';

export interface DatabaseOptions extends ConnectionOptions {
  /** URL without a pooler in between, for LISTEN. Defaults to `url`. */
  readonly directUrl?: string | undefined;
  readonly poolSize: number;
  readonly logger: Logger;
}

/** How much longer than the server's own limit we wait before the connection counts as dead. */
const graceMs = 2_000;
/** How long closing waits for a server that no longer answers. */
const closeMs = 2_000;
const connectionFaults: readonly string[] = ['database_unavailable', 'database_timeout'];

/**
 * A pool of connections to one PostgreSQL. Statements are static texts with parameters, prepared
 * once per connection. Errors that say the database is at fault are typed (`database_*`).
 */
export class Database implements Queryable {
  readonly #options: DatabaseOptions;
  readonly #pool: pg.Pool;
  readonly #names = new StatementNames();
  readonly #greeted = new WeakSet<pg.PoolClient>();
  /** Each connection that has not been closed yet, and the promise of its end. */
  readonly #ends = new Map<pg.PoolClient, Promise<void>>();
  #server: ServerInfo | undefined;
  #closed: Promise<void> | undefined;

  constructor(options: DatabaseOptions) {
    this.#options = options;
    this.#pool = new pg.Pool({ ...clientConfig(options), max: options.poolSize, idleTimeoutMillis: 30_000 });
    // The pool listens to idle clients only: without a listener, losing a busy one would end the process.
    this.#pool.on('connect', (client) => {
      this.#trackEnd(client);
      client.on('error', (error) => {
        options.logger.debug({ error: messageOf(error) }, 'a database connection was lost');
      });
    });
    this.#pool.on('error', (error) => {
      options.logger.warn({ error: messageOf(error) }, 'an idle database connection was lost');
    });
  }

  /** What stands at the other end. Known after the first successful statement. */
  get server(): ServerInfo | undefined {
    return this.#server;
  }

  /** Connections that it may hold. */
  get poolSize(): number {
    return this.#options.poolSize;
  }

  get connections(): { readonly total: number; readonly idle: number; readonly waiting: number } {
    const { totalCount: total, idleCount: idle, waitingCount: waiting } = this.#pool;
    return { total, idle, waiting };
  }

  /** Options of a connection beside the pool that goes where the pool goes, a pooler included. */
  get pooledOptions(): ConnectionOptions {
    return this.#options;
  }

  /** Options of a connection outside the pool that a session can rest on. */
  get directOptions(): ConnectionOptions {
    return { ...this.#options, url: this.#options.directUrl ?? this.#options.url };
  }

  /** @throws database_unavailable, database_timeout, database_unsupported */
  async connect(): Promise<ServerInfo> {
    return this.#withClient(async () => this.#server as ServerInfo);
  }

  async query<Row extends object>(text: string, values: unknown[] = []): Promise<QueryResult<Row>> {
    return this.#withClient((client) => this.#run<Row>(client, text, values));
  }

  /** Runs `work` in one transaction: committed when it resolves, undone when it rejects. */
  async transaction<T>(work: (tx: Queryable) => Promise<T>): Promise<T> {
    return this.#withClient(async (client) => {
      const tx: Queryable = { query: (text, values = []) => this.#run(client, text, values) };
      await this.#run(client, 'begin', []);
      let result: T;
      try {
        result = await work(tx);
      } catch (error) {
        // A failed rollback must not hide why the work failed; the connection is then thrown away below.
        await this.#run(client, 'rollback', []).catch((lost: unknown) => {
          this.#options.logger.warn(
            { error: messageOf(lost) },
            'rollback failed; the connection is discarded',
          );
          throw new UndoFailed(error);
        });
        throw error;
      }
      await this.#run(client, 'commit', []);
      return result;
    });
  }

  /** Waits for what is under way, then closes every connection. */
  async close(): Promise<void> {
    this.#closed ??= this.#close();
    await this.#closed;
  }

  async #close(): Promise<void> {
    await this.#pool.end();
    // The pool only says goodbye: a server stopped now would still find the connections, and break them.
    await withTimeout(Promise.all(this.#ends.values()), closeMs, 'closing the connections').catch(
      (error: unknown) => {
        this.#options.logger.warn({ error: messageOf(error) }, 'database connections were abandoned');
        // A socket whose other end is gone without a word would keep the process alive.
        for (const client of this.#ends.keys()) destroySocket(client);
      },
    );
  }

  #trackEnd(client: pg.PoolClient): void {
    const end = new Promise<void>((resolve) => {
      client.once('end', () => {
        this.#ends.delete(client);
        resolve();
      });
    });
    this.#ends.set(client, end);
  }

  async #withClient<T>(work: (client: pg.PoolClient) => Promise<T>): Promise<T> {
    const client = await this.#acquire();
    let broken = false;
    try {
      return await work(client);
    } catch (error) {
      if (error instanceof UndoFailed) {
        broken = true;
        throw typedDatabaseError(error.workError) ?? error.workError;
      }
      const typed = isSignalboxError(error) ? error : typedDatabaseError(error);
      // After an error of the connection itself its state is unknown: never hand it to the next caller.
      broken = typed !== undefined && connectionFaults.includes(typed.code);
      throw typed ?? error;
    } finally {
      client.release(broken);
    }
  }

  async #acquire(): Promise<pg.PoolClient> {
    let client: pg.PoolClient;
    try {
      client = await this.#pool.connect();
    } catch (error) {
      throw (
        typedDatabaseError(error) ?? databaseErrors.database_unavailable(messageOf(error), { cause: error })
      );
    }
    if (this.#greeted.has(client)) return client;
    try {
      this.#server = await withTimeout(greet(client, this.#options), this.#limitMs, 'the greeting');
      this.#greeted.add(client);
      return client;
    } catch (error) {
      client.release(true);
      if (isSignalboxError(error)) throw error;
      throw (
        typedDatabaseError(error) ?? databaseErrors.database_unavailable(messageOf(error), { cause: error })
      );
    }
  }

  get #limitMs(): number {
    return this.#options.statementTimeoutMs + graceMs;
  }

  #run<Row extends object>(
    client: pg.PoolClient,
    text: string,
    values: unknown[],
  ): Promise<QueryResult<Row>> {
    if (!statementChannel.hasSubscribers) return this.#send(client, text, values);
    return statementChannel.tracePromise(() => this.#send<Row>(client, text, values), { text });
  }

  async #send<Row extends object>(
    client: pg.PoolClient,
    text: string,
    values: unknown[],
  ): Promise<QueryResult<Row>> {
    const name = this.#server?.pooled ? undefined : this.#names.of(text);
    const statement = name === undefined ? { text, values } : { name, text, values };
    try {
      return await withTimeout(client.query<Row>(statement), this.#limitMs, 'a statement');
    } catch (error) {
      if (isTimeout(error)) throw databaseErrors.database_timeout(messageOf(error), { cause: error });
      // The driver has no code for a connection that ended without a word. Taken for the statement's own fault,
      // it would make a worker fail a job for good that only could not be recorded.
      const ofStatement = error instanceof pg.DatabaseError || error instanceof TypeError;
      if (!ofStatement && sqlStateOf(error) === undefined) {
        throw databaseErrors.database_unavailable(messageOf(error), { cause: error });
      }
      throw error;
    }
  }
}

function isTimeout(error: unknown): boolean {
  return error instanceof AbortReason && error.kind === 'timeout';
}

function destroySocket(client: pg.PoolClient): void {
  if (!('connection' in client)) return;
  const { stream } = client.connection as { stream?: { destroy(): void } };
  stream?.destroy();
}

/** Carries the error of the work past a rollback that failed too. */
class UndoFailed extends Error {
  readonly workError: unknown;

  constructor(workError: unknown) {
    super('the transaction could not be undone');
    this.workError = workError;
  }
}
