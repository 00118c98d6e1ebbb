import type { Database } from '../database/database.js';
import { Notifications } from '../database/notifications.js';
import type { Queryable } from '../database/queryable.js';
import { isId } from '../foundation/ids.js';
import type { Logger } from '../foundation/logger.js';
import type { Service } from '../foundation/service.js';
import { Acceptor, type NewItem } from './accept.js';
import { Announcer } from './announcer.js';
import type { Canary } from './canary/canary.js';
import { CanarySender, type CanarySenderOptions } from './canary/sender.js';
import { type Census, takeCensus } from './census.js';
import { type Change, changeChannel, subscribeToChanges } from './changes.js';
import { type EnqueueOptions, prepareJob } from './enqueue.js';
import { engineErrors } from './errors.js';
import { StuckWork, type WorkFinding } from './findings/findings.js';
import { Gates, type Limits } from './gates.js';
import { defaultHandlerLogRate } from './handler-log.js';
import { type EngineHooks, Hooks } from './hooks.js';
import type { Accepted, AcceptedJob, WorkerInfo } from './job.js';
import { Jobs } from './jobs.js';
import { Lanes } from './lanes.js';
import { Leader } from './leader.js';
import { Promoter } from './promoter.js';
import { TaskRegistry } from './registry.js';
import { defaultKeep } from './retention.js';
import type { EnqueueInto } from './schedules/fire.js';
import type { ScheduleDefinition } from './schedules/schedule.js';
import { Scheduler } from './schedules/scheduler.js';
import { Schedules } from './schedules/schedules.js';
import { listCanaries } from './sql/canary.js';
import { unfinishedOf } from './sql/read.js';
import type { KeepTimes } from './sql/retention.js';
import { instructWorker, listWorkers } from './sql/workers.js';
import type { Middleware, Task } from './task.js';
import { Worker } from './worker.js';
import { isConcurrency, type WorkerOptions } from './worker-options.js';

export interface EngineOptions {
  readonly database: Database;
  readonly tasks: readonly Task[];
  readonly logger: Logger;
  /** Limits of queues. Those of tasks stand on the tasks. */
  readonly queues?: Readonly<Record<string, Limits>>;
  /** Made known when the engine starts; one that is no longer declared is disabled. */
  readonly schedules?: readonly ScheduleDefinition[];
  readonly hooks?: readonly EngineHooks[];
  /** Wraps every attempt, the first outermost. */
  readonly middleware?: readonly Middleware[];
  /** Turns of housekeeping, milliseconds. @default 1000 */
  readonly housekeepingMs?: number;
  /** How long ended jobs are kept. @default succeeded and cancelled 7 days, failed 30 */
  readonly keep?: Partial<KeepTimes>;
  /**
   * Milliseconds between two canaries of each queue: jobs of the engine's own that prove that work is taken. Workers
   * of an engine without do not answer those of others. @default null: none
   */
  readonly canaryMs?: number | null;
  /** W3C `traceparent` of what is under way: of the jobs that are enqueued without one. */
  readonly traceParent?: () => string | undefined;
  /** Lines a second that the handler of one job may add to `logger`; ten seconds' worth at once. @default 10 */
  readonly handlerLogRate?: number;
}

/**
 * The durable job engine. Enqueueing and reading need nothing but the database; `start` adds wake-up,
 * promotion of due jobs and rescue, which at least one process must run; `createWorker` runs jobs.
 */
export class Engine implements Service {
  readonly name = 'engine';
  readonly tasks: TaskRegistry;
  readonly jobs: Jobs;
  /** Pausing, limits and rates of queues and tasks. */
  readonly gates: Gates;
  readonly schedules: Schedules;
  readonly #options: EngineOptions;
  readonly #hooks: Hooks;
  readonly #lanes: Lanes;
  readonly #announcer: Announcer;
  readonly #acceptor: Acceptor;
  readonly #notifications: Notifications;
  readonly #promoter: Promoter;
  readonly #leader: Leader;
  readonly #stuckWork: StuckWork;

  /** @throws task_duplicate */
  constructor(options: EngineOptions) {
    const { database, logger, housekeepingMs = 1_000 } = options;
    this.#options = options;
    this.tasks = new TaskRegistry(options.tasks);
    this.#hooks = new Hooks(options.hooks ?? [], logger);
    this.jobs = new Jobs(database, this.#hooks);
    this.#lanes = new Lanes(database);
    this.#announcer = new Announcer(database, logger);
    this.gates = new Gates(database, this.#announcer);
    this.#stuckWork = new StuckWork(database);
    this.#acceptor = new Acceptor(database, this.#lanes, this.#announcer);
    this.#notifications = new Notifications({
      connection: database.directOptions,
      channel: changeChannel,
      logger,
    });
    this.#promoter = new Promoter(database, logger, housekeepingMs);
    const enqueue: EnqueueInto = (tx, { task, input, options: about }) =>
      this.enqueue(tx, task, input, about);
    this.schedules = new Schedules({
      db: database,
      logger,
      enqueue,
      check: (task, input) => this.#check(task, input),
    });
    this.#leader = new Leader({
      db: database,
      logger,
      hooks: this.#hooks,
      scheduler: new Scheduler({ db: database, logger, enqueue, unfinished: unfinishedOf }),
      canaries: this.#canarySender(database),
      intervalMs: housekeepingMs,
      keep: { ...defaultKeep, ...options.keep },
    });
  }

  async start(): Promise<void> {
    await this.#lanes.prepare(this.tasks.list().map(({ name, queue }) => ({ queue, task: name })));
    await this.gates.declare(this.tasks.list(), this.#options.queues ?? {});
    if (this.#options.schedules !== undefined) await this.schedules.sync(this.#options.schedules);
    await this.#notifications.start();
    await this.#promoter.start();
    await this.#leader.start();
  }

  async stop(): Promise<void> {
    await this.#leader.stop();
    await this.#promoter.stop();
    await this.#announcer.stop();
    await this.#notifications.stop();
  }

  /**
   * Accepts one job. Durable when it resolves; with `tx` it is written in the caller's transaction and
   * durable with that.
   * @throws task_unknown, input_invalid, unique_key_busy
   */
  async enqueue(task: Task | string, input: unknown, options?: EnqueueOptions): Promise<AcceptedJob>;
  async enqueue(
    tx: Queryable,
    task: Task | string,
    input: unknown,
    options?: EnqueueOptions,
  ): Promise<AcceptedJob>;
  async enqueue(first: Queryable | Task | string, ...rest: unknown[]): Promise<AcceptedJob> {
    const [tx, args] = isQueryable(first) ? [first, rest] : [undefined, [first, ...rest]];
    const task = this.#resolve(args[0] as Task | string);
    const [input, options] = [args[1], this.#traced(args[2] as EnqueueOptions | undefined)];
    const job =
      tx === undefined
        ? await this.#acceptor.one(task, input, options)
        : await this.#acceptor.within(tx, task, input, options);
    this.#hooks.jobsAccepted(task, [job]);
    return job;
  }

  /** Accepts many jobs of one task, all or none. The answer has the order of `items`. */
  async enqueueMany(task: Task | string, items: readonly NewItem[]): Promise<Accepted[]> {
    const resolved = this.#resolve(task);
    const traced = items.map((item) => ({ input: item.input, options: this.#traced(item.options) }));
    const accepted = await this.#acceptor.many(resolved, traced);
    if (this.#hooks.heard) {
      const sent = accepted.map(({ id, duplicate }, n) => {
        return { id, duplicate, traceParent: traced[n]?.options?.traceParent ?? null };
      });
      this.#hooks.jobsAccepted(resolved, sent);
    }
    return accepted;
  }

  async workers(): Promise<WorkerInfo[]> {
    return listWorkers(this.#options.database);
  }

  /**
   * Tells a worker, wherever it runs, how many jobs to run at once, or to take no more and finish what it has.
   * @throws worker_not_found, limit_invalid
   */
  async instructWorker(
    id: string,
    wish: { readonly concurrency?: number; readonly drain?: boolean },
  ): Promise<void> {
    if (wish.concurrency !== undefined && !isConcurrency(wish.concurrency)) {
      throw engineErrors.limit_invalid('concurrency must be a whole number, 1 or more.', {
        fields: [{ field: 'concurrency', message: 'must be a whole number, 1 or more' }],
      });
    }
    if (isId(id) && (await instructWorker(this.#options.database, id, wish))) return;
    throw engineErrors.worker_not_found(`There is no worker ${id.slice(0, 100)}.`);
  }

  /** Accepted work that nobody does. Empty means that every due job has a live worker. */
  async findings(): Promise<WorkFinding[]> {
    return this.#stuckWork.find();
  }

  /** The canary of each queue that ever had one. */
  async canaries(): Promise<Canary[]> {
    return listCanaries(this.#options.database);
  }

  /** What there is in the whole system: jobs of each queue, workers, schedules, leader. A handful of statements. */
  async census(): Promise<Census> {
    return takeCensus(this.#options.database, this.#stuckWork);
  }

  /** Whether this process does the housekeeping at the moment. */
  get leading(): boolean {
    return this.#leader.leading;
  }

  /** Calls `handler` when something moved: a hint that may be missed, so poll too. @returns unsubscribe */
  onChange(handler: (change: Change) => void): () => void {
    return subscribeToChanges(this.#notifications, handler);
  }

  createWorker(options: WorkerOptions): Worker {
    return new Worker(options, {
      db: this.#options.database,
      tasks: this.tasks,
      logger: this.#options.logger,
      lanes: this.#lanes,
      announcer: this.#announcer,
      gates: this.gates,
      hooks: this.#hooks,
      middleware: this.#options.middleware ?? [],
      canaries: this.#options.canaryMs != null,
      handlerLogRate: this.#options.handlerLogRate ?? defaultHandlerLogRate,
      onChange: (handler) => this.onChange(handler),
    });
  }

  #canarySender(db: Database): CanarySender | undefined {
    const everyMs = this.#options.canaryMs ?? null;
    if (everyMs === null) return undefined;
    const enqueue: CanarySenderOptions['enqueue'] = (tx, task, input, about) =>
      this.#acceptor.within(tx, task, input, about);
    return new CanarySender({ db, hooks: this.#hooks, lanes: this.#lanes, enqueue, everyMs });
  }

  /** @throws task_unknown, input_invalid */
  #check(task: string, input: unknown): void {
    prepareJob(this.tasks.require(task), 0, input);
  }

  /** A job of a caller who says nothing belongs to the trace of what is under way. */
  #traced(options: EnqueueOptions | undefined): EnqueueOptions | undefined {
    if (options?.traceParent !== undefined) return options;
    const traceParent = this.#options.traceParent?.();
    return traceParent === undefined ? options : { ...options, traceParent };
  }

  #resolve(task: Task | string): Task {
    return typeof task === 'string' ? this.tasks.require(task) : task;
  }
}

function isQueryable(value: unknown): value is Queryable {
  return typeof value === 'object' && value !== null && 'query' in value && typeof value.query === 'function';
}
