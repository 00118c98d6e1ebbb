import type { Worker as Thread } from 'node:worker_threads';
import { Database } from '../../database/database.js';
import { createTestDatabase, type TestDatabase } from '../../database/testing/test-database.js';
import type { Logger } from '../../foundation/logger.js';
import { type StartThread, startThread } from '../heartbeat/start-thread.js';
import { Lease } from '../lease.js';
import { type Line, openLine } from './line.js';

/** What the database says of one incarnation. */
export interface WorkerState {
  readonly valid: boolean;
  readonly heartbeatAt: Date;
}

export interface HeldLeaseOptions {
  readonly leaseMs: number;
  /** Over a line that the test can take away. It runs in the main thread: not for tests that block that. */
  readonly overLine?: boolean;
  readonly startThread?: StartThread;
}

/** A lease on a database of its own, at which its test looks directly. */
export class HeldLease {
  readonly db: TestDatabase;
  readonly lease: Lease;
  /** Every thread that was started for it, the last one last. */
  readonly threads: Thread[] = [];
  readonly log: string[] = [];
  losses = 0;
  /** Called inside `onLost`. */
  whenLost: () => void = () => undefined;
  readonly #line: Line | undefined;
  readonly #database: Database;

  private constructor(db: TestDatabase, line: Line | undefined, options: HeldLeaseOptions) {
    this.db = db;
    this.#line = line;
    const note = (_fields: object, message: string) => void this.log.push(message);
    const logger: Logger = { debug: note, info: note, warn: note, error: note, child: () => logger };
    this.#database = new Database({ ...db.connection, url: line?.url ?? db.url, poolSize: 2, logger });
    this.lease = new Lease({
      db: this.#database,
      logger,
      queues: null,
      tasks: [],
      concurrency: () => 1,
      draining: () => false,
      leaseMs: options.leaseMs,
      onLost: () => {
        this.losses += 1;
        this.whenLost();
      },
      startThread: (data) => {
        const thread = (options.startThread ?? startThread)(data);
        this.threads.push(thread);
        return thread;
      },
    });
  }

  static async start(options: HeldLeaseOptions): Promise<HeldLease> {
    const db = await createTestDatabase();
    const held = new HeldLease(db, options.overLine ? await openLine(db.url) : undefined, options);
    await held.lease.start();
    return held;
  }

  get line(): Line {
    if (this.#line === undefined) throw new Error('this lease is held without a line');
    return this.#line;
  }

  get id(): string {
    const id = this.lease.workerId;
    if (id === undefined) throw new Error('no lease is held');
    return id;
  }

  /** `undefined` when there is no such row. */
  async state(id: string): Promise<WorkerState | undefined> {
    const { rows } = await this.db.database.query<WorkerState>(
      `select lease_expires_at > clock_timestamp() as valid, heartbeat_at as "heartbeatAt"
       from signalbox.worker where id = $1`,
      [id],
    );
    return rows[0];
  }

  /** Server processes of heartbeat threads. */
  async backends(): Promise<number[]> {
    const { rows } = await this.db.database.query<{ pid: number }>(
      `select pid from pg_stat_activity
       where datname = current_database() and application_name = 'signalbox heartbeat'`,
    );
    return rows.map(({ pid }) => pid);
  }

  /** Asks the database again and again. */
  async until(holds: () => Promise<boolean> | boolean, what: string): Promise<void> {
    const deadline = performance.now() + 20_000;
    while (!(await holds())) {
      if (performance.now() > deadline)
        throw new Error(`never came to ${what}; log: ${this.log.join(' | ')}`);
      await this.db.database.query('select pg_sleep(0.02)');
    }
  }

  async stop(): Promise<void> {
    this.#line?.restore();
    await this.lease.stop();
    await this.#database.close();
    await this.#line?.close();
    await this.db.drop();
  }
}

/** Nothing else runs in this thread meanwhile. */
export function blockFor(ms: number): void {
  const end = performance.now() + ms;
  while (performance.now() < end);
}
