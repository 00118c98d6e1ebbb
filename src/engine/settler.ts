import type { Database } from '../database/database.js';
import { type Backoff, backoffDelayMs } from '../foundation/backoff.js';
import { isSignalboxError, messageOf } from '../foundation/errors.js';
import type { Logger } from '../foundation/logger.js';
import { systemClock } from '../foundation/time.js';
import type { ClaimBook } from './claim-book.js';
import { describeFailure, PermanentError } from './failure.js';
import {
  type End,
  finish,
  giveBack,
  type Held,
  type Outcome,
  type Return,
  recordedBefore,
  type Settlement,
} from './sql/settle.js';

/** Called once: whether the outcome was recorded, or came too late and changed nothing. */
export type Settled = (recorded: boolean) => void;

interface Pending<O extends Outcome> extends Settlement<O> {
  readonly settled: Settled;
}

export interface SettlerOptions {
  readonly db: Database;
  readonly logger: Logger;
  readonly claims: ClaimBook;
  /** Whether this incarnation's lease is still held: an outcome is worth trying for that long. */
  readonly holds: (workerId: string) => boolean;
}

/** While the database is away. */
const patience: Backoff = { initialMs: 100, factor: 2, maxMs: 2_000, jitter: 0.5 };
const maxBatch = 1_000;
/** A second batch beside the one under way is worth its own statement from this size on. */
const worthwhile = 400;
const never = new AbortController().signal;

/**
 * Records outcomes. What comes while a batch is under way goes with the next: an idle worker waits for nobody, a busy
 * one pays one commit for many. A batch is tried for as long as the worker holds its lease.
 */
export class Settler {
  readonly #options: SettlerOptions;
  #ends: Pending<End>[] = [];
  #returns: Pending<Return>[] = [];
  #underWay = 0;
  #scheduled = false;
  #idle: (() => void)[] = [];

  constructor(options: SettlerOptions) {
    this.#options = options;
  }

  /** Outcomes that are not recorded yet. */
  get pending(): number {
    return this.#ends.length + this.#returns.length + this.#underWay * maxBatch;
  }

  push(settlement: Settlement<Outcome>, settled: Settled): void {
    const { fence, outcome, limited } = settlement;
    switch (outcome.kind) {
      case 'succeeded':
      case 'failed':
      case 'cancelled':
        this.#ends.push({ fence, outcome, limited, settled });
        break;
      default:
        this.#returns.push({ fence, outcome, limited, settled });
    }
    // In the next turn of the event loop, so that what ends together is recorded together.
    if (this.#scheduled) return;
    this.#scheduled = true;
    setImmediate(() => {
      this.#scheduled = false;
      this.#pump();
    });
  }

  /** Resolves when nothing is pending. */
  async flushed(): Promise<void> {
    while (this.#ends.length + this.#returns.length + this.#underWay > 0) {
      await new Promise<void>((resolve) => this.#idle.push(resolve));
    }
  }

  #pump(): void {
    while (this.#mayBegin) {
      this.#underWay += 1;
      const work =
        this.#ends.length >= this.#returns.length
          ? this.#settle(
              this.#take(this.#ends, (rest) => (this.#ends = rest)),
              finish,
            )
          : this.#settle(
              this.#take(this.#returns, (rest) => (this.#returns = rest)),
              giveBack,
            );
      void work.finally(() => {
        this.#underWay -= 1;
        this.#pump();
        for (const resolve of this.#idle.splice(0)) resolve();
      });
    }
  }

  get #mayBegin(): boolean {
    const waiting = this.#ends.length + this.#returns.length;
    return this.#underWay === 0 ? waiting > 0 : this.#underWay === 1 && waiting >= worthwhile;
  }

  /** The first ones, all of one incarnation. */
  #take<O extends Outcome>(queue: Pending<O>[], keep: (rest: Pending<O>[]) => void): Pending<O>[] {
    const workerId = queue[0]?.fence.workerId;
    let end = 1;
    while (end < queue.length && end < maxBatch && queue[end]?.fence.workerId === workerId) end += 1;
    keep(queue.slice(end));
    return queue.slice(0, end);
  }

  async #settle<O extends Outcome>(batch: readonly Pending<O>[], record: Recorder<O>): Promise<void> {
    const { db, logger, claims, holds } = this.#options;
    const workerId = batch[0]?.fence.workerId;
    if (workerId === undefined) return;
    const fences = batch.map(({ fence }) => fence);
    for (let failures = 0; ; failures += 1) {
      try {
        const done = claims.doneWith(fences);
        const held = await record(db, workerId, batch, done);
        const late = held === null ? [] : fences.filter(({ jobId }) => !held.has(jobId));
        // After an error the earlier try may have been committed all the same: then its outcome is not late.
        const before =
          late.length > 0 && failures > 0 ? await recordedBefore(db, workerId, late) : new Set<string>();
        claims.settled(fences, done);
        for (const { fence, settled } of batch) {
          settled(held === null || held.has(fence.jobId) || before.has(fence.jobId));
        }
        return;
      } catch (error) {
        if (!isSignalboxError(error)) return this.#blame(batch, record, error);
        if (!holds(workerId)) {
          for (const { settled } of batch) settled(false);
          return;
        }
        const delay = backoffDelayMs(patience, failures + 1);
        logger.warn(
          { outcomes: batch.length, error: messageOf(error) },
          `outcomes could not be recorded; trying again in ${delay} ms`,
        );
        await systemClock.sleep(delay, never);
      }
    }
  }

  /** The statement itself was refused: some outcome cannot be stored. Each is tried alone; the culprit fails for good. */
  async #blame<O extends Outcome>(
    batch: readonly Pending<O>[],
    record: Recorder<O>,
    error: unknown,
  ): Promise<void> {
    const [only] = batch;
    if (batch.length > 1 || only === undefined) {
      for (const one of batch) await this.#settle([one], record);
      return;
    }
    const { fence, outcome, limited, settled } = only;
    this.#options.logger.error(
      {
        job_id: fence.jobId,
        attempt: fence.attempt,
        worker: fence.workerId,
        outcome: outcome.kind,
        error: messageOf(error),
      },
      'the outcome of an attempt cannot be stored',
    );
    if (outcome.kind === 'failed') {
      settled(false);
      return;
    }
    const failure = new PermanentError(`The outcome could not be stored: ${messageOf(error)}`);
    const reason = 'permanent_error';
    this.push(
      { fence, outcome: { kind: 'failed', reason, error: describeFailure(failure, fence.attempt) }, limited },
      settled,
    );
  }
}

type Recorder<O extends Outcome> = (
  db: Database,
  workerId: string,
  batch: readonly Settlement<O>[],
  done: readonly string[],
) => Promise<Held>;
