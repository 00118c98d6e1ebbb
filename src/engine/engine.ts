import type { Database } from '../database/database.js';
import { Notifications } from '../database/notifications.js';
import type { Queryable } from '../database/queryable.js';
import { Batcher } from '../foundation/batcher.js';
import { isSignalboxError } from '../foundation/errors.js';
import type { Logger } from '../foundation/logger.js';
import type { Service } from '../foundation/service.js';
import { type Change, changeChannel, subscribeToChanges } from './changes.js';
import { type EnqueueOptions, prepareJob } from './enqueue.js';
import { findStuckWork, type WorkFinding } from './findings.js';
import type { Job, WorkerInfo } from './job.js';
import { Jobs } from './jobs.js';
import { Leader } from './leader.js';
import { Promoter } from './promoter.js';
import { TaskRegistry } from './registry.js';
import { insertJobs, type NewJob } from './sql/enqueue.js';
import { listWorkers } from './sql/workers.js';
import type { Task } from './task.js';
import { Worker, type WorkerOptions } from './worker.js';

export interface EngineOptions {
  readonly database: Database;
  readonly tasks: readonly Task[];
  readonly logger: Logger;
  /** Turns of housekeeping, milliseconds. @default 1000 */
  readonly housekeepingMs?: number;
}

/**
 * The durable job engine. Enqueueing and reading need nothing but the database; `start` adds wake-up,
 * promotion of due jobs and rescue, which at least one process must run; `createWorker` runs jobs.
 */
export class Engine implements Service {
  readonly name = 'engine';
  readonly tasks: TaskRegistry;
  readonly jobs: Jobs;
  readonly #database: Database;
  readonly #logger: Logger;
  readonly #notifications: Notifications;
  readonly #promoter: Promoter;
  readonly #leader: Leader;
  /** Single enqueues of many callers share a commit. */
  readonly #inserts: Batcher<NewJob, Job>;

  /** @throws task_duplicate */
  constructor(options: EngineOptions) {
    const { database, logger, housekeepingMs = 1_000 } = options;
    this.#database = database;
    this.#logger = logger;
    this.tasks = new TaskRegistry(options.tasks);
    this.jobs = new Jobs(database);
    this.#notifications = new Notifications({
      connection: database.directOptions,
      channel: changeChannel,
      logger,
    });
    this.#promoter = new Promoter(database, logger, housekeepingMs);
    this.#inserts = new Batcher({
      run: (jobs) => insertJobs(database, jobs),
      concurrency: 2,
      maxBatch: 1_000,
      blames: (error) => !isSignalboxError(error),
    });
    this.#leader = new Leader({ db: database, logger, intervalMs: housekeepingMs });
  }

  async start(): Promise<void> {
    await this.#notifications.start();
    await this.#promoter.start();
    await this.#leader.start();
  }

  async stop(): Promise<void> {
    await this.#leader.stop();
    await this.#promoter.stop();
    await this.#notifications.stop();
  }

  /**
   * Accepts one job. Durable when it resolves; with `tx` it is written in the caller's transaction and
   * durable with that.
   * @throws task_unknown, input_invalid
   */
  async enqueue(task: Task | string, input: unknown, options?: EnqueueOptions): Promise<Job>;
  async enqueue(tx: Queryable, task: Task | string, input: unknown, options?: EnqueueOptions): Promise<Job>;
  async enqueue(first: Queryable | Task | string, ...rest: unknown[]): Promise<Job> {
    const [db, task, input, options] = isQueryable(first)
      ? [first, rest[0] as Task | string, rest[1], rest[2] as EnqueueOptions | undefined]
      : [this.#database, first, rest[0], rest[1] as EnqueueOptions | undefined];
    const prepared = prepareJob(this.#resolve(task), input, options);
    if (db === this.#database) return this.#inserts.add(prepared);
    const [job] = await insertJobs(db, [prepared]);
    return job as Job;
  }

  /** Accepts many jobs of one task, all or none. The answer has the order of `items`. */
  async enqueueMany(
    task: Task | string,
    items: readonly { readonly input: unknown; readonly options?: EnqueueOptions }[],
  ): Promise<Job[]> {
    const resolved = this.#resolve(task);
    const prepared = items.map(({ input, options }) => prepareJob(resolved, input, options));
    if (prepared.length === 0) return [];
    return insertJobs(this.#database, prepared);
  }

  async workers(): Promise<WorkerInfo[]> {
    return listWorkers(this.#database);
  }

  /** Accepted work that nobody does. Empty means that every due job has a live worker. */
  async findings(): Promise<WorkFinding[]> {
    return findStuckWork(this.#database);
  }

  /** Calls `handler` when something moved: a hint that may be missed, so poll too. @returns unsubscribe */
  onChange(handler: (change: Change) => void): () => void {
    return subscribeToChanges(this.#notifications, handler);
  }

  createWorker(options: WorkerOptions): Worker {
    return new Worker(options, {
      db: this.#database,
      tasks: this.tasks,
      logger: this.#logger,
      onChange: (handler) => this.onChange(handler),
    });
  }

  #resolve(task: Task | string): Task {
    return typeof task === 'string' ? this.tasks.require(task) : task;
  }
}

function isQueryable(value: unknown): value is Queryable {
  return typeof value === 'object' && value !== null && 'query' in value && typeof value.query === 'function';
}
