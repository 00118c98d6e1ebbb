import { type AbortCause, waitOrAbort } from '../foundation/abort.js';
import { messageOf } from '../foundation/errors.js';
import { Loop } from '../foundation/loop.js';
import type { Service } from '../foundation/service.js';
import { Attempt, type Conclusion } from './attempt.js';
import { logLate, logOutcome } from './attempt-log.js';
import { canaryTaskName } from './canary/canary.js';
import { CanaryResponder } from './canary/responder.js';
import type { Change } from './changes.js';
import { ClaimBook } from './claim-book.js';
import type { ClaimedJob } from './claimed.js';
import { Deadlines } from './deadlines.js';
import { giveBackForgotten } from './forgotten.js';
import { Intake } from './intake.js';
import { Lease } from './lease.js';
import { Settler } from './settler.js';
import type { Outcome } from './sql/settle.js';
import { cancelRequests, instructWorker, lostClaims, markDraining, readInstructions } from './sql/workers.js';
import { isConcurrency, type WorkerDeps, type WorkerOptions } from './worker-options.js';

export type { WorkerDeps, WorkerOptions } from './worker-options.js';

const reconcileMs = 5_000;
/** A timer for longer than this is no use: the poll looks long before. Timers past 2^31 ms fire at once. */
const maxOpeningMs = 60_000;
/** Outcomes on their way to the database beyond which nothing new is begun. */
const maxPending = 5_000;

/** Claims jobs and runs them. One per process; it owns one lease. */
export class Worker implements Service {
  readonly name = 'worker';
  readonly #options: WorkerOptions;
  readonly #deps: WorkerDeps;
  readonly #lease: Lease;
  readonly #claims: Loop;
  readonly #book = new ClaimBook();
  readonly #intake: Intake;
  readonly #settler: Settler;
  readonly #canaries: CanaryResponder | undefined;
  readonly #deadlines = new Deadlines();
  readonly #running = new Map<string, Attempt>();
  #concurrency: number;
  /** The last number that came through the database. */
  #instructed: number;
  #allEnded: (() => void)[] = [];
  #unsubscribe: (() => void)[] = [];
  #opening: NodeJS.Timeout | undefined;
  #draining = false;
  #choked = false;
  #reconciledAt = 0;
  #late = 0;

  constructor(options: WorkerOptions, deps: WorkerDeps) {
    const { db, logger, lanes } = deps;
    this.#options = options;
    this.#deps = deps;
    this.#concurrency = options.concurrency;
    this.#instructed = options.concurrency;
    const tasks = deps.tasks.list().map((task) => task.name);
    const answers = deps.canaries ? [canaryTaskName] : [];
    this.#lease = new Lease({
      db,
      logger,
      queues: options.queues,
      tasks: [...tasks, ...answers],
      concurrency: () => this.#concurrency,
      draining: () => this.#draining,
      leaseMs: options.leaseMs,
      onLost: () => this.#onLost(),
    });
    this.#intake = new Intake({
      db,
      lanes,
      claims: this.#book,
      queues: options.queues,
      tasks,
      free: () => this.#concurrency - this.#running.size,
    });
    this.#settler = new Settler({
      db,
      logger,
      claims: this.#book,
      holds: (workerId) => this.#lease.workerId === workerId,
    });
    this.#canaries = deps.canaries
      ? new CanaryResponder({
          db,
          logger,
          lanes,
          claims: this.#book,
          settler: this.#settler,
          queues: options.queues,
        })
      : undefined;
    this.#claims = new Loop({
      name: 'claim',
      intervalMs: options.pollMs ?? 1_000,
      logger,
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

  get concurrency(): number {
    return this.#concurrency;
  }

  /** Jobs at once, from now on. Those under way beyond it go on. */
  set concurrency(jobs: number) {
    if (!isConcurrency(jobs)) throw new TypeError('concurrency must be a whole number, 1 or more');
    this.#concurrency = jobs;
    this.#instructed = jobs;
    this.#claims.wake();
    const id = this.#lease.workerId;
    if (id !== undefined) void this.#tell(() => instructWorker(this.#deps.db, id, { concurrency: jobs }));
  }

  async start(): Promise<void> {
    await this.#lease.start();
    this.#unsubscribe = [
      this.#deps.onChange((change) => this.#onChange(change)),
      this.#deps.announcer.onLocal((change) => this.#onChange(change)),
    ];
    await this.#claims.start();
  }

  /** Stops claiming, lets jobs finish, gives back those that do not finish in time. Loses none. */
  async stop(): Promise<void> {
    for (const unsubscribe of this.#unsubscribe) unsubscribe();
    clearTimeout(this.#opening);
    await this.drain();
    await this.#claims.stop();
    if (this.#running.size > 0) {
      const deadline = AbortSignal.timeout(this.#options.drainTimeoutMs);
      await waitOrAbort(this.#ended(), deadline).catch(() => {
        this.#abortAll('shutdown', 'the worker is shutting down');
      });
      await this.#ended();
    }
    await this.#settler.flushed();
    this.#deadlines.stop();
    await this.#tell(() => this.#lease.stop());
  }

  /** Claims nothing more, and gives back at once what has not begun. What runs goes on. */
  async drain(): Promise<void> {
    this.#draining = true;
    const id = this.#lease.workerId;
    if (id !== undefined) await this.#tell(() => markDraining(this.#deps.db, id));
    this.#release(this.#intake.takeAll());
  }

  /** One turn: checks what the database thinks we run, then claims what there are slots for. */
  async runOnce(): Promise<{ claimed: number }> {
    const workerId = this.#lease.workerId;
    if (workerId === undefined || this.#draining) return { claimed: 0 };
    if (performance.now() - this.#reconciledAt > reconcileMs) await this.#reconcile(workerId);
    this.#release(this.#intake.takeStale());
    await this.#tell(async () => this.#canaries?.turn(workerId));
    if (!this.#intake.wanted || this.#isChoked()) {
      this.#intake.putOff();
      return { claimed: 0 };
    }
    const { claimed, opensInMs } = await this.#intake.claim(workerId);
    // The lease or the worker may have ended while the claim was on its way back.
    if (this.#lease.workerId !== workerId) this.#intake.takeAll();
    else if (this.#draining) this.#release(this.#intake.takeAll());
    else this.#release(this.#intake.takeClosed());
    this.#fill();
    if (this.#intake.hungry) this.#claims.wake();
    else if (opensInMs !== null) this.#wakeIn(opensInMs);
    return { claimed };
  }

  #wakeIn(ms: number): void {
    clearTimeout(this.#opening);
    this.#opening = setTimeout(() => this.#claims.wake(), Math.min(Math.max(ms, 1), maxOpeningMs));
    this.#opening.unref();
  }

  /** Begins what is at hand, and has more claimed when that is little. */
  #pump(): void {
    this.#fill();
    if (!this.#draining && this.#intake.hungry) this.#claims.wake();
  }

  /** Begins what is at hand while there are slots. */
  #fill(): void {
    while (this.#running.size < this.#concurrency && !this.#isChoked()) {
      const job = this.#intake.take();
      if (job === undefined) break;
      // The leader ends what is too late; nobody else would begin it.
      if (job.startsBy <= performance.now()) this.#release([job]);
      else this.#begin(job);
    }
  }

  /** Whether too many outcomes are on their way. Then one that is recorded pumps again. */
  #isChoked(): boolean {
    this.#choked ||= this.#settler.pending > maxPending;
    return this.#choked;
  }

  #unchoke(): void {
    if (!this.#choked || this.#settler.pending > maxPending) return;
    this.#choked = false;
    this.#pump();
  }

  #begin(job: ClaimedJob): void {
    const { db, logger, tasks, hooks, gates, middleware, handlerLogRate } = this.#deps;
    const abortGraceMs = this.#options.abortGraceMs ?? 5_000;
    const onCompleted = (): void => {
      if (job.limited) this.#freed(job);
    };
    const attempt = new Attempt({
      db,
      logger,
      job,
      task: tasks.require(job.task),
      middleware,
      abortGraceMs,
      handlerLogRate,
      onCompleted,
    });
    // Claimed anew by ourselves before we heard that a crash of the database undid the claim.
    this.#running.get(job.id)?.abort('lease_lost', 'the database lost the claim when it crashed');
    this.#running.set(job.id, attempt);
    this.#deadlines.watch(attempt);
    const started = performance.now();
    hooks.attemptStarted(job, Math.max(started - job.readyAt, 0));
    const ended = (conclusion: Conclusion): void => {
      if (this.#running.get(job.id) === attempt) this.#running.delete(job.id);
      this.#deadlines.forget(attempt);
      this.#intake.ended();
      this.#conclude(attempt, conclusion, performance.now() - started);
      this.#pump();
      if (this.#running.size === 0) for (const resolve of this.#allEnded.splice(0)) resolve();
    };
    attempt.begin((conclusion) => {
      if (conclusion.kind === 'snoozed' && conclusion.reason === 'rate_limited') {
        // Before the slot is free: the next job of the task would run into the same refusal.
        const { delayMs } = conclusion;
        void this.#tell(() => gates.close('task', job.task, delayMs)).then(() => ended(conclusion));
      } else {
        ended(conclusion);
      }
    });
  }

  #conclude(attempt: Attempt, conclusion: Conclusion, ms: number): void {
    const { job, fence } = attempt;
    switch (conclusion.kind) {
      case 'lost':
        this.#wasLate(job, ms);
        return;
      case 'completed':
        this.#book.settled([fence], []);
        this.#wasRecorded(job, { kind: 'succeeded', resultJson: 'null' }, ms);
        return;
      default:
        this.#settler.push({ fence, outcome: conclusion, limited: job.limited }, (recorded) => {
          if (recorded) this.#wasRecorded(job, conclusion, ms);
          else this.#wasLate(job, ms);
          this.#unchoke();
        });
    }
  }

  #wasLate(job: ClaimedJob, ms: number): void {
    const { hooks, logger } = this.#deps;
    this.#late += 1;
    hooks.outcomeLate(job);
    logLate(logger, job, ms, this.#late);
  }

  #wasRecorded(job: ClaimedJob, outcome: Outcome, ms: number): void {
    const { logger, announcer, hooks } = this.#deps;
    hooks.attemptEnded(job, outcome, ms);
    announcer.moved(job.id);
    if (job.limited) this.#freed(job);
    else if (outcome.kind === 'released') announcer.freed(job.queue);
    logOutcome(logger, job, outcome, ms);
  }

  /** The slots it used may be what another worker's claim waits for, or ours. */
  #freed(job: ClaimedJob): void {
    this.#deps.announcer.freed(job.queue);
    this.#claims.wake();
  }

  /** Gives back what was claimed and never begun. */
  #release(jobs: readonly ClaimedJob[]): void {
    for (const job of jobs) {
      const fence = { jobId: job.id, attempt: job.attempt, workerId: job.workerId, claimId: job.claimId };
      this.#settler.push({ fence, outcome: { kind: 'released', begun: false }, limited: job.limited }, () => {
        this.#deps.announcer.freed(job.queue);
        this.#unchoke();
      });
    }
  }

  async #reconcile(workerId: string): Promise<void> {
    const { db, logger } = this.#deps;
    await giveBackForgotten(db, workerId, this.#book.open, logger);
    await this.#book.sweep(db);
    await this.#dropLost(workerId);
    await this.#honourCancels();
    await this.#follow(workerId);
    this.#reconciledAt = performance.now();
  }

  /**
   * A claim that a crash of the database undid: others may take its jobs, and may have done so. What runs of it is
   * stopped, what waits is forgotten.
   */
  async #dropLost(workerId: string): Promise<void> {
    const running = [...this.#running.values()];
    const claims = new Set([...running.map(({ fence }) => fence.claimId), ...this.#intake.claimIds]);
    if (claims.size === 0) return;
    const lost = await lostClaims(this.#deps.db, workerId, [...claims]);
    this.#intake.forget(lost);
    for (const attempt of running) {
      if (!lost.has(attempt.fence.claimId)) continue;
      attempt.abort('lease_lost', 'the database lost the claim when it crashed');
    }
  }

  /** What others want of this worker. */
  async #follow(workerId: string): Promise<void> {
    const wish = await readInstructions(this.#deps.db, workerId);
    if (wish === undefined) return;
    if (wish.concurrency !== this.#instructed) {
      this.#instructed = wish.concurrency;
      this.#concurrency = wish.concurrency;
      this.#claims.wake();
    }
    if (wish.status === 'draining' && !this.#draining) await this.drain();
  }

  async #honourCancels(): Promise<void> {
    if (this.#running.size === 0) return;
    for (const id of await cancelRequests(this.#deps.db, [...this.#running.keys()])) {
      this.#running.get(id)?.abort('cancelled', 'the job was cancelled');
    }
  }

  #onChange(change: Change): void {
    const workerId = this.#lease.workerId;
    switch (change.kind) {
      case 'queue':
        if (this.#canaries?.hears(change.name)) this.#claims.wake();
        else if (this.#options.queues?.includes(change.name) ?? true) this.#claims.wake();
        return;
      case 'job':
        if (this.#running.has(change.id)) void this.#tell(() => this.#honourCancels());
        return;
      case 'worker':
        if (change.id === workerId) void this.#tell(() => this.#follow(change.id));
        return;
      case 'jobs':
        return;
      case 'gate':
        this.#release(this.#intake.takeOf(change.gate, change.name));
        // To be told when it opens.
        this.#claims.wake();
        return;
      case 'resync':
        this.#reconciledAt = 0;
        this.#claims.wake();
        return;
      default:
        change satisfies never;
    }
  }

  #onLost(): void {
    this.#intake.takeAll();
    this.#book.clear();
    this.#abortAll('lease_lost', 'the worker lost its lease');
  }

  #abortAll(kind: AbortCause, message: string): void {
    for (const attempt of this.#running.values()) attempt.abort(kind, message);
  }

  async #ended(): Promise<void> {
    while (this.#running.size > 0) {
      await new Promise<void>((resolve) => this.#allEnded.push(resolve));
    }
  }

  /** For what the next turn, or the end of the lease, repairs by itself. */
  async #tell(action: () => Promise<unknown>): Promise<void> {
    try {
      await action();
    } catch (error) {
      this.#deps.logger.warn({ error: messageOf(error) }, 'the database did not take the word of a worker');
    }
  }
}
