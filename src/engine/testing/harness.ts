import { z } from 'zod';
import { createTestDatabase, type TestDatabase } from '../../database/testing/test-database.js';
import { isSignalboxError } from '../../foundation/errors.js';
import { type Logger, silentLogger } from '../../foundation/logger.js';
import { systemClock } from '../../foundation/time.js';
import { Engine, type EngineOptions } from '../engine.js';
import { Hooks } from '../hooks.js';
import type { Job, JobStatus } from '../job.js';
import { Leader, type LeaderOptions } from '../leader.js';
import { Scheduler } from '../schedules/scheduler.js';
import { unfinishedOf } from '../sql/read.js';
import { type Task, task } from '../task.js';
import type { Worker, WorkerOptions } from '../worker.js';

/** An engine on a database of its own, with everything that a test starts stopped at the end. */
export class Harness {
  readonly db: TestDatabase;
  readonly engine: Engine;
  readonly #workers: Worker[] = [];
  readonly #others: Engine[] = [];

  private constructor(db: TestDatabase, engine: Engine) {
    this.db = db;
    this.engine = engine;
  }

  static async start(
    tasks: readonly Task[],
    logger: Logger = silentLogger,
    options: Partial<EngineOptions> = {},
  ): Promise<Harness> {
    const db = await createTestDatabase();
    const engine = new Engine({ database: db.database, tasks, logger, housekeepingMs: 100, ...options });
    await engine.start();
    return new Harness(db, engine);
  }

  /** A second process on the same database: an engine that shares nothing else with the first. */
  async another(tasks: readonly Task[], options: Partial<EngineOptions> = {}): Promise<Engine> {
    const logger = silentLogger;
    const engine = new Engine({ database: this.db.database, tasks, logger, housekeepingMs: 100, ...options });
    this.#others.push(engine);
    await engine.start();
    return engine;
  }

  async worker(options: Partial<WorkerOptions> = {}): Promise<Worker> {
    const worker = this.engine.createWorker({
      queues: null,
      concurrency: 4,
      leaseMs: 10_000,
      drainTimeoutMs: 5_000,
      abortGraceMs: 200,
      pollMs: 200,
      ...options,
    });
    this.#workers.push(worker);
    await worker.start();
    return worker;
  }

  /** Resolves with the job once it is in one of these states. */
  async until(id: string, ...statuses: JobStatus[]): Promise<Job> {
    return this.untilJob(id, (job) => statuses.includes(job.status), statuses.join(' or '));
  }

  async untilJob(id: string, holds: (job: Job) => boolean, what = 'the condition'): Promise<Job> {
    const deadline = performance.now() + 15_000;
    for (;;) {
      const changed = new AbortController();
      const unsubscribe = this.engine.onChange((change) => {
        if (change.kind !== 'job' || change.id === id) changed.abort();
      });
      try {
        const job = await this.#read(id);
        if (job !== undefined && holds(job)) return job;
        if (performance.now() > deadline) {
          throw new Error(`job ${id} is ${JSON.stringify(job)} and never came to ${what}`);
        }
        await systemClock.sleep(250, changed.signal);
      } finally {
        unsubscribe();
      }
    }
  }

  /** `undefined` while the database is away: some tests take it away. */
  async #read(id: string): Promise<Job | undefined> {
    try {
      return await this.engine.jobs.get(id);
    } catch (error) {
      if (isSignalboxError(error) && error.retryable) return undefined;
      throw error;
    }
  }

  async stop(): Promise<void> {
    for (const worker of this.#workers) await worker.stop();
    for (const engine of this.#others) await engine.stop();
    await this.engine.stop();
    await this.db.drop();
  }
}

/** A leader of its own beside the engine's, whose turns a test makes by hand. */
export function leaderOf({ db, engine }: Harness, options: Partial<LeaderOptions> = {}): Leader {
  const { database } = db;
  const scheduler = new Scheduler({
    db: database,
    logger: silentLogger,
    enqueue: (tx, { task: name, input, options: about }) => engine.enqueue(tx, name, input, about),
    unfinished: unfinishedOf,
  });
  const hooks = new Hooks([], silentLogger);
  return new Leader({ db: database, logger: silentLogger, hooks, scheduler, ...options });
}

/** Cancels a job that may have ended by now; any other refusal is an error. */
export async function cancelIfCan(engine: Engine, id: string): Promise<void> {
  try {
    await engine.jobs.cancel(id);
  } catch (error) {
    if (!isSignalboxError(error, 'job_not_cancellable')) throw error;
  }
}

/** A promise and what settles it: the signal that a test waits for. */
export interface Gate {
  readonly passed: Promise<void>;
  open(): void;
}

export function gate(): Gate {
  let open: () => void = () => undefined;
  const passed = new Promise<void>((resolve) => {
    open = resolve;
  });
  return { passed, open };
}

/** A task that accepts anything and runs `run`. */
export function anyTask(
  name: string,
  run: Task['run'],
  options: Partial<Parameters<typeof task>[0]> = {},
): Task {
  return task({
    input: z.unknown(),
    backoff: { initialMs: 1, factor: 1, maxMs: 1, jitter: 0 },
    ...options,
    name,
    run,
  });
}
