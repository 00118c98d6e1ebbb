import type { Database } from '../database/database.js';
import { waitOrAbort } from '../foundation/abort.js';
import { type Backoff, backoffDelayMs } from '../foundation/backoff.js';
import { isSignalboxError, messageOf } from '../foundation/errors.js';
import type { Logger } from '../foundation/logger.js';
import { Loop } from '../foundation/loop.js';
import type { Service } from '../foundation/service.js';
import { systemClock } from '../foundation/time.js';
import { Attempt } from './attempt.js';
import type { Change } from './changes.js';
import { describeFailure } from './failure.js';
import type { Job } from './job.js';
import { Lease } from './lease.js';
import type { TaskRegistry } from './registry.js';
import { Settler } from './settler.js';
import { claimJobs } from './sql/claim.js';
import type { Outcome } from './sql/settle.js';
import { cancelRequests, markDraining, releaseForgotten } from './sql/workers.js';

export interface WorkerOptions {
  /** `null`: every queue. */
  readonly queues: readonly string[] | null;
  /** Jobs at once. */
  readonly concurrency: number;
  readonly leaseMs: number;
  /** How long `stop` lets jobs finish before they are aborted and given back. */
  readonly drainTimeoutMs: number;
  /** How long a handler may go on after its signal fired. @default 5000 */
  readonly abortGraceMs?: number;
  /** Safety net for lost notifications. @default 1000 */
  readonly pollMs?: number;
}

export interface WorkerDeps {
  readonly db: Database;
  readonly tasks: TaskRegistry;
  readonly logger: Logger;
  readonly onChange: (handler: (change: Change) => void) => () => void;
}

/** While the database is away an outcome waits this long between tries, for as long as the lease may live. */
const settleBackoff: Backoff = { initialMs: 100, factor: 2, maxMs: 2_000, jitter: 0.5 };
const reconcileMs = 5_000;

/** Claims jobs and runs them. One per process; it owns one lease. */
export class Worker implements Service {
  readonly name = 'worker';
  readonly #options: WorkerOptions;
  readonly #deps: WorkerDeps;
  readonly #lease: Lease;
  readonly #claims: Loop;
  readonly #settler: Settler;
  readonly #running = new Map<string, Attempt>();
  readonly #ended = new Set<Promise<void>>();
  #unsubscribe: (() => void) | undefined;
  #draining = false;
  #reconciledAt = 0;
  #late = 0;

  constructor(options: WorkerOptions, deps: WorkerDeps) {
    this.#options = options;
    this.#deps = deps;
    const tasks = deps.tasks.list().map((task) => task.name);
    this.#lease = new Lease({
      db: deps.db,
      logger: deps.logger,
      queues: options.queues,
      tasks,
      concurrency: options.concurrency,
      leaseMs: options.leaseMs,
      onLost: () => this.#abortAll('lease_lost', 'the worker lost its lease'),
    });
    this.#settler = new Settler(deps.db);
    this.#claims = new Loop({
      name: 'claim',
      intervalMs: options.pollMs ?? 1_000,
      logger: deps.logger,
      runOnce: () => this.runOnce(),
    });
  }

  /** Id of the present incarnation. */
  get id(): string | undefined {
    return this.#lease.workerId;
  }

  /** Jobs under way. */
  get running(): number {
    return this.#running.size;
  }

  /** Outcomes that came after the attempt had been taken away, and changed nothing. */
  get lateOutcomes(): number {
    return this.#late;
  }

  async start(): Promise<void> {
    await this.#lease.start();
    this.#unsubscribe = this.#deps.onChange((change) => this.#onChange(change));
    await this.#claims.start();
  }

  /** Stops claiming, lets jobs finish, gives back those that do not finish in time. Loses none. */
  async stop(): Promise<void> {
    this.#draining = true;
    this.#unsubscribe?.();
    const id = this.#lease.workerId;
    if (id !== undefined) await this.#tell(() => markDraining(this.#deps.db, id));
    await this.#claims.stop();
    if (this.#running.size > 0) {
      const deadline = AbortSignal.timeout(this.#options.drainTimeoutMs);
      await waitOrAbort(this.#allEnded(), deadline).catch(() => {
        this.#abortAll('shutdown', 'the worker is shutting down');
      });
      await this.#allEnded();
    }
    await this.#tell(() => this.#lease.stop());
  }

  /** One turn: checks what the database thinks we run, then claims as many jobs as there are free slots. */
  async runOnce(): Promise<{ claimed: number }> {
    const workerId = this.#lease.workerId;
    if (workerId === undefined || this.#draining) return { claimed: 0 };
    if (performance.now() - this.#reconciledAt > reconcileMs) await this.#reconcile(workerId);
    const limit = this.#options.concurrency - this.#running.size;
    if (limit <= 0) return { claimed: 0 };
    const { db, tasks } = this.#deps;
    const names = tasks.list().map((task) => task.name);
    const jobs = await claimJobs(db, { workerId, queues: this.#options.queues, tasks: names, limit });
    for (const job of jobs) this.#begin(job, workerId);
    return { claimed: jobs.length };
  }

  #begin(job: Job, workerId: string): void {
    const { db, logger, tasks } = this.#deps;
    const attempt = new Attempt({
      db,
      logger,
      job,
      task: tasks.require(job.task),
      workerId,
      abortGraceMs: this.#options.abortGraceMs ?? 5_000,
    });
    this.#running.set(job.id, attempt);
    // The lease may have ended while the claim was on its way back: then these jobs are not ours any more.
    if (this.#lease.workerId !== workerId) attempt.abort('lease_lost', 'the worker lost its lease');
    const ended = this.#finish(job, attempt).finally(() => {
      this.#running.delete(job.id);
      this.#ended.delete(ended);
      this.#claims.wake();
    });
    this.#ended.add(ended);
  }

  async #finish(job: Job, attempt: Attempt): Promise<void> {
    const log = this.#deps.logger.child({
      job_id: job.id,
      task: job.task,
      queue: job.queue,
      attempt: job.attempt,
    });
    const started = performance.now();
    log.debug({}, 'attempt started');
    const outcome = await attempt.run();
    const recorded = outcome !== undefined && (await this.#record(attempt, outcome, log));
    const ms = Math.round(performance.now() - started);
    if (!recorded) {
      this.#late += 1;
      log.warn({ ms, late_outcomes: this.#late }, 'the attempt was taken away; its outcome was dropped');
      return;
    }
    const error = 'error' in outcome ? { error_type: outcome.error.type, error: outcome.error.message } : {};
    const level = outcome.kind === 'failed' ? 'error' : outcome.kind === 'retrying' ? 'warn' : 'info';
    log[level]({ outcome: outcome.kind, ms, ...error }, `attempt ${outcome.kind}`);
  }

  /** Tries for as long as the attempt is ours: an outcome must not be lost to a database that is away. */
  async #record(attempt: Attempt, outcome: Outcome, log: Logger): Promise<boolean> {
    let wanted = outcome;
    for (let failures = 1; !this.#lost(attempt); failures += 1) {
      try {
        return await this.#settler.settle(attempt.fence, wanted);
      } catch (error) {
        log.warn({ failures, error: messageOf(error) }, 'the outcome could not be recorded; trying again');
        if (!isSignalboxError(error)) {
          // The database answers and refuses: the outcome itself is at fault, and would be at every further try.
          if (wanted.kind === 'failed') return false;
          wanted = {
            kind: 'failed',
            reason: 'permanent_error',
            error: describeFailure(error, attempt.fence.attempt),
          };
          continue;
        }
        await systemClock.sleep(backoffDelayMs(settleBackoff, failures));
      }
    }
    return false;
  }

  #lost(attempt: Attempt): boolean {
    return this.#lease.workerId !== attempt.fence.workerId;
  }

  async #reconcile(workerId: string): Promise<void> {
    const { db, logger } = this.#deps;
    const released = await releaseForgotten(db, workerId, [...this.#running.keys()]);
    if (released > 0) logger.warn({ released }, 'jobs whose claim was never answered were given back');
    await this.#honourCancels(workerId);
    this.#reconciledAt = performance.now();
  }

  async #honourCancels(workerId: string): Promise<void> {
    for (const id of await cancelRequests(this.#deps.db, workerId)) {
      this.#running.get(id)?.abort('cancelled', 'the job was cancelled');
    }
  }

  #onChange(change: Change): void {
    const workerId = this.#lease.workerId;
    switch (change.kind) {
      case 'queue':
        if (this.#options.queues?.includes(change.name) ?? true) this.#claims.wake();
        return;
      case 'job':
        if (workerId !== undefined && this.#running.has(change.id)) {
          void this.#tell(() => this.#honourCancels(workerId));
        }
        return;
      case 'resync':
        this.#reconciledAt = 0;
        this.#claims.wake();
        return;
      default:
        change satisfies never;
    }
  }

  #abortAll(kind: 'lease_lost' | 'shutdown', message: string): void {
    for (const attempt of this.#running.values()) attempt.abort(kind, message);
  }

  async #allEnded(): Promise<void> {
    await Promise.all(this.#ended);
  }

  /** For what the next turn, or the end of the lease, repairs by itself. */
  async #tell(action: () => Promise<void>): Promise<void> {
    try {
      await action();
    } catch (error) {
      this.#deps.logger.warn({ error: messageOf(error) }, 'the database did not take the word of a worker');
    }
  }
}
