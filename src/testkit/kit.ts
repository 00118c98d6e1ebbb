import type { z } from 'zod';
import type { Database } from '../database/database.js';
import { Engine, type EngineOptions } from '../engine/engine.js';
import { Hooks } from '../engine/hooks.js';
import type { Job, JobStatus } from '../engine/job.js';
import { registerWorker } from '../engine/sql/workers.js';
import type { Task } from '../engine/task.js';
import { newId } from '../foundation/ids.js';
import { silentLogger } from '../foundation/logger.js';
import { Drain, type DrainedAttempt, type DrainOptions } from './drain.js';
import { type PerformedJob, type PerformOptions, performJob } from './perform.js';
import { createScratchDatabase, type ScratchDatabase } from './scratch-database.js';
import { advance, empty, makeDue } from './sql.js';

export interface TestEngineOptions
  extends Partial<Pick<EngineOptions, 'logger' | 'queues' | 'hooks' | 'middleware'>> {
  /** A PostgreSQL server on which the role may create databases. Nothing that is there is touched. */
  readonly url: string;
  readonly tasks: readonly Task[];
}

export interface EnqueuedFilter {
  readonly task?: Task | string;
  readonly queue?: string;
  readonly statuses?: readonly JobStatus[];
  readonly owner?: string;
  readonly tag?: string;
}

/** Longer than any run of tests: nobody renews it. */
const leaseMs = 86_400_000;
const pageSize = 200;
/** More jobs than these are not for looking at one by one. */
const maxPages = 500;

/** An engine on a database of its own, in which nothing happens by itself: no worker, no timer, no leader. */
export class TestKit {
  readonly engine: Engine;
  /** Connection string of the throw-away database, for tables of your own beside the engine's. */
  readonly url: string;
  readonly #scratch: ScratchDatabase;
  readonly #options: TestEngineOptions;
  readonly #drain: Drain;
  #stopped: Promise<void> | undefined;

  /** Use `testEngine`. */
  constructor(scratch: ScratchDatabase, engine: Engine, options: TestEngineOptions, workerId: string) {
    this.#scratch = scratch;
    this.#options = options;
    this.engine = engine;
    this.url = scratch.url;
    const { logger = silentLogger, hooks = [], middleware = [] } = options;
    const told = new Hooks(hooks, logger);
    this.#drain = new Drain({ db: scratch.database, engine, logger, hooks: told, middleware, workerId });
  }

  get database(): Database {
    return this.#scratch.database;
  }

  /** Runs a handler once without the database; the kit's middleware is around it. See `performJob`. */
  async performJob<Schema extends z.ZodType>(
    task: Task<Schema>,
    input: z.input<Schema>,
    options: PerformOptions = {},
  ): Promise<PerformedJob> {
    return performJob(task, input, { middleware: this.#options.middleware ?? [], ...options });
  }

  /**
   * Runs everything that is due, one job after the other, by priority and then in the order of enqueueing, until
   * nothing is left; also what handlers enqueue meanwhile. What waits for a time, for a limit or for a paused queue
   * stays. @returns every attempt, in order
   */
  async drain(options?: DrainOptions): Promise<DrainedAttempt[]> {
    return this.#drain.run(options);
  }

  /**
   * Lets `ms` milliseconds pass for whatever waits: scheduled and retrying jobs, deadlines, rates, periods of unique
   * keys. @returns how many jobs are due now
   */
  async advance(ms: number): Promise<number> {
    if (!Number.isFinite(ms) || ms < 0)
      throw new TypeError('time passes by a number of milliseconds, 0 or more');
    return advance(this.database, ms);
  }

  /** Makes scheduled and retrying jobs due now, whatever their time. @returns how many */
  async makeDue(filter: { readonly task?: Task | string; readonly id?: string } = {}): Promise<number> {
    return makeDue(this.database, nameOf(filter.task), filter.id);
  }

  /** Accepted jobs, also those that have ended, in the order of their making. */
  async enqueued(filter: EnqueuedFilter = {}): Promise<Job[]> {
    const { task, ...rest } = filter;
    const found: Job[] = [];
    for (let pages = 0; pages < maxPages; pages += 1) {
      const before = found.at(-1)?.id;
      const page = await this.engine.jobs.list({ ...rest, task: nameOf(task), before, limit: pageSize });
      found.push(...page);
      if (page.length < pageSize) break;
    }
    return found.reverse();
  }

  /** Removes every job, and every limit that was set at run time: for the next test on the same kit. */
  async reset(): Promise<void> {
    await empty(this.database);
    await this.#declare();
  }

  /** Drops the database. May be called twice. */
  async stop(): Promise<void> {
    this.#stopped ??= this.#stop();
    await this.#stopped;
  }

  async #stop(): Promise<void> {
    await this.engine.stop();
    await this.#scratch.drop();
  }

  async #declare(): Promise<void> {
    await this.engine.gates.declare(this.engine.tasks.list(), this.#options.queues ?? {});
  }
}

function nameOf(task: Task | string | undefined): string | undefined {
  return typeof task === 'object' ? task.name : task;
}

/**
 * An engine for tests on a real PostgreSQL, in a database that is made now and dropped by `stop`.
 * @throws task_duplicate, database_unavailable, or what the server says to a role that may not create databases
 */
export async function testEngine(options: TestEngineOptions): Promise<TestKit> {
  const { url, tasks, logger = silentLogger, queues = {}, hooks = [], middleware = [] } = options;
  const scratch = await createScratchDatabase(url, logger);
  try {
    const { database } = scratch;
    const engine = new Engine({ database, tasks, logger, queues, hooks, middleware });
    await engine.gates.declare(tasks, queues);
    const id = newId();
    const names = tasks.map(({ name }) => name);
    const worker = { id, hostname: 'test', pid: process.pid, queues: null, tasks: names, concurrency: 1 };
    await registerWorker(database, { ...worker, leaseMs });
    return new TestKit(scratch, engine, options, id);
  } catch (error) {
    await scratch.drop();
    throw error;
  }
}
