import type { Database } from '../database/database.js';
import { Attempt, type Conclusion } from '../engine/attempt.js';
import { ClaimBook } from '../engine/claim-book.js';
import { type ClaimedJob, toClaimedJob } from '../engine/claimed.js';
import { Deadlines } from '../engine/deadlines.js';
import type { Engine } from '../engine/engine.js';
import { defaultHandlerLogRate } from '../engine/handler-log.js';
import type { Hooks } from '../engine/hooks.js';
import { Lanes } from '../engine/lanes.js';
import type { Lost } from '../engine/outcome.js';
import { claimJobs, promoteDue, readClaim } from '../engine/sql/claim.js';
import { endOverdue } from '../engine/sql/rescue.js';
import { type Fence, finish, giveBack, type Outcome } from '../engine/sql/settle.js';
import type { Middleware } from '../engine/task.js';
import type { Logger } from '../foundation/logger.js';
import { type ToldOutcome, tell } from './told.js';

/** One attempt that `drain` ran. */
export interface DrainedAttempt extends ToldOutcome {
  readonly id: string;
  readonly task: string;
  readonly queue: string;
  /** Number of the attempt, from 1. */
  readonly attempt: number;
  readonly input: unknown;
}

export interface DrainOptions {
  /** Attempts after which it gives up: jobs that put themselves back at once never end. @default 10000 */
  readonly limit?: number;
}

export interface DrainDeps {
  readonly db: Database;
  readonly engine: Engine;
  readonly logger: Logger;
  readonly hooks: Hooks;
  readonly middleware: readonly Middleware[];
  readonly workerId: string;
}

/** Claims that may bring nothing and still ask for another, one after the other. */
const emptyClaims = 100;
const promoteBatch = 1_000;

/** Does what a worker does, one job after the other, and comes to an end. */
export class Drain {
  readonly #deps: DrainDeps;
  readonly #lanes: Lanes;
  readonly #book = new ClaimBook();

  constructor(deps: DrainDeps) {
    this.#deps = deps;
    this.#lanes = new Lanes(deps.db);
  }

  /** Runs what is due until nothing is, what the handlers enqueue included. @throws Error at the limit of attempts */
  async run({ limit = 10_000 }: DrainOptions = {}): Promise<DrainedAttempt[]> {
    const deadlines = new Deadlines();
    const ran: DrainedAttempt[] = [];
    try {
      for (;;) {
        const job = await this.#claim();
        if (job === undefined) return ran;
        if (ran.length === limit) {
          await this.#record(job, { kind: 'released', begun: false });
          throw new Error(
            `${limit} attempts ran and there is more: the last was of ${job.task}. Does a job put itself back?`,
          );
        }
        ran.push(await this.#perform(job, deadlines));
      }
    } finally {
      deadlines.stop();
      await this.#book.sweep(this.#deps.db);
    }
  }

  async #claim(): Promise<ClaimedJob | undefined> {
    const { db, engine, workerId } = this.#deps;
    await promoteDue(db, promoteBatch);
    await endOverdue(db, 0);
    const tasks = engine.tasks.list().map(({ name }) => name);
    const wish = { workerId, queues: null, tasks, limit: 1, suspects: true, floor: null };
    for (let tries = 0; tries < emptyClaims; tries += 1) {
      const askedAt = performance.now();
      const claim = await claimJobs(db, wish);
      const clockMs = claim.nowMs - performance.now();
      if (claim.lost) throw new Error('The kit has been stopped, or its worker was removed.');
      if (claim.id !== null) {
        const [brief] = (claim.jobs ?? (await readClaim(db, claim.id))).list;
        if (brief === undefined) continue;
        const lane = (await this.#lanes.resolve(new Set([brief[1]]))).get(brief[1]);
        if (lane === undefined) throw new Error(`the lane of job ${brief[0]} is gone`);
        this.#book.opened(claim.id, 1);
        const origin = {
          workerId,
          claimId: claim.id,
          limited: claim.limited,
          askedAt,
          toldAt: performance.now(),
          clockMs,
        };
        return toClaimedJob(brief, lane, origin);
      }
      if (!claim.again) return undefined;
    }
    return undefined;
  }

  async #perform(job: ClaimedJob, deadlines: Deadlines): Promise<DrainedAttempt> {
    const { db, engine, hooks, logger, middleware } = this.#deps;
    const task = engine.tasks.require(job.task);
    const onCompleted = () => undefined;
    const attempt = new Attempt({
      db,
      logger,
      job,
      task,
      middleware,
      abortGraceMs: 5_000,
      handlerLogRate: defaultHandlerLogRate,
      onCompleted,
    });
    deadlines.watch(attempt);
    const started = performance.now();
    hooks.attemptStarted(job, Math.max(started - job.readyAt, 0));
    const conclusion = await new Promise<Conclusion>((resolve) => attempt.begin(resolve));
    deadlines.forget(attempt);
    const outcome = await this.#settle(job, conclusion);
    if (outcome.kind === 'lost') hooks.outcomeLate(job);
    else hooks.attemptEnded(job, outcome, performance.now() - started);
    const { id, task: name, queue, input } = job;
    return Object.freeze({ id, task: name, queue, attempt: job.attempt, input, ...tell(outcome) });
  }

  async #settle(job: ClaimedJob, conclusion: Conclusion): Promise<Outcome | Lost> {
    switch (conclusion.kind) {
      case 'lost':
        this.#book.settled([job], []);
        return conclusion;
      case 'completed': {
        this.#book.settled([job], []);
        const { result } = await this.#deps.engine.jobs.get(job.id);
        return { kind: 'succeeded', resultJson: JSON.stringify(result) };
      }
      default:
        if (!(await this.#record(job, conclusion))) return { kind: 'lost' };
        if (conclusion.kind === 'snoozed' && conclusion.reason === 'rate_limited') {
          await this.#deps.engine.gates.close('task', job.task, conclusion.delayMs);
        }
        return conclusion;
    }
  }

  /** @returns whether the job was still ours */
  async #record(job: ClaimedJob, outcome: Outcome): Promise<boolean> {
    const { db, workerId } = this.#deps;
    const fence: Fence = { jobId: job.id, attempt: job.attempt, workerId, claimId: job.claimId };
    const { limited } = job;
    const done = this.#book.doneWith([fence]);
    let held: ReadonlySet<string> | null;
    switch (outcome.kind) {
      case 'succeeded':
      case 'failed':
      case 'cancelled':
        held = await finish(db, workerId, [{ fence, outcome, limited }], done);
        break;
      default:
        held = await giveBack(db, workerId, [{ fence, outcome, limited }], done);
    }
    this.#book.settled([fence], done);
    return held === null || held.has(job.id);
  }
}
