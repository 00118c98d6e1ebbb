import type { z } from 'zod';
import type { Queryable } from '../database/queryable.js';
import type { ClaimedJob } from '../engine/claimed.js';
import { prepareJob } from '../engine/enqueue.js';
import type { JobProgress } from '../engine/job.js';
import { type Lost, outcomeOfError, outcomeOfValue, parseInput } from '../engine/outcome.js';
import type { NewJob } from '../engine/sql/enqueue.js';
import type { Outcome } from '../engine/sql/settle.js';
import type { Middleware, Task } from '../engine/task.js';
import { AbortReason } from '../foundation/abort.js';
import { type RecordedLogLine, Recorder } from './recorder.js';
import { type ToldOutcome, tell } from './told.js';

export interface PerformOptions {
  /** Number of the attempt, from 1. @default 1 */
  readonly attempt?: number;
  /** Attempts that failed before. @default all of them */
  readonly failures?: number;
  readonly maxAttempts?: number;
  /** Milliseconds. @default the task's */
  readonly timeoutMs?: number;
  /**
   * Stops the attempt. An `AbortReason` says why, and decides the outcome as it does in a worker; any other reason
   * stands for a cancel.
   */
  readonly signal?: AbortSignal;
  readonly id?: string;
  readonly owner?: string;
  readonly tags?: readonly string[];
  /** What `context.complete` works in. Without it, a handler that calls `complete` gets a TypeError. */
  readonly tx?: Queryable;
  readonly middleware?: readonly Middleware[];
  /** How long the handler may go on after its signal fired, milliseconds. @default 5000 */
  readonly abortGraceMs?: number;
}

export interface PerformedJob extends ToldOutcome {
  /** What the handler itself threw; `undefined` when it did not. */
  readonly thrown: unknown;
  readonly logs: readonly RecordedLogLine[];
  /** Everything that was told, in order. The engine writes down the last of it a few times a second. */
  readonly progress: readonly JobProgress[];
}

/**
 * Runs a task's handler once, as a worker does, with no database and no worker.
 * @throws input_invalid when a job with this input could not have been enqueued
 */
export async function performJob<Schema extends z.ZodType>(
  task: Task<Schema>,
  input: z.input<Schema>,
  options: PerformOptions = {},
): Promise<PerformedJob> {
  const { owner, tags, id, maxAttempts, timeoutMs, tx, middleware = [] } = options;
  const prepared = prepareJob(task, 0, input, { owner, tags, id, maxAttempts, timeoutMs });
  const job = toJob(prepared, options);
  const stopper = new Stopper(job.timeoutMs, options);
  const context = new Recorder(job, stopper.signal, tx);
  let thrown: unknown;
  let outcome: Outcome | Lost;
  try {
    const parsed = parseInput(task, job.input) as z.output<Schema>;
    const run = middleware.reduceRight<() => Promise<unknown>>(
      (next, wrap) => () => wrap(context, next),
      () => task.run(parsed, context),
    );
    outcome = outcomeOfValue(job, task, await Promise.race([run(), stopper.ignored]), stopper.reason);
  } catch (error) {
    if (error !== stopper.reason) thrown = error;
    outcome = outcomeOfError(job, task, error, stopper.reason, (failed) => {
      throw failed;
    });
  } finally {
    stopper.dispose();
  }
  if (context.completed !== undefined) outcome = { kind: 'succeeded', resultJson: context.completed };
  return Object.freeze({ ...tell(outcome), thrown, logs: context.logs, progress: context.told });
}

function toJob(job: NewJob, { attempt = 1, failures = attempt - 1 }: PerformOptions): ClaimedJob {
  if (!Number.isInteger(attempt) || attempt < 1 || failures < 0 || failures >= attempt) {
    throw new TypeError('attempt must be a whole number, 1 or more, and failures fewer than that');
  }
  return Object.freeze({
    id: job.id,
    task: job.task,
    queue: job.queue,
    attempt,
    failures,
    crashes: 0,
    maxAttempts: job.maxAttempts,
    timeoutMs: job.timeoutMs,
    input: JSON.parse(job.input),
    owner: job.owner,
    tags: job.more?.tags ?? [],
    traceParent: null,
    endsBy: Number.POSITIVE_INFINITY,
    startsBy: Number.POSITIVE_INFINITY,
    readyAt: performance.now(),
    workerId: 'test',
    claimId: '0',
    limited: false,
  });
}

/** Fires the handler's signal: at the time-out, or when the test says so. */
class Stopper {
  readonly #controller = new AbortController();
  readonly #timeout: NodeJS.Timeout;
  readonly #outer: AbortSignal | undefined;
  readonly #graceMs: number;
  #grace: NodeJS.Timeout | undefined;
  #giveUp: (reason: unknown) => void = () => undefined;
  /** Rejects when the handler has ignored its signal for too long. */
  readonly ignored: Promise<never>;

  constructor(timeoutMs: number, { signal, abortGraceMs = 5_000 }: PerformOptions) {
    this.#outer = signal;
    this.#graceMs = abortGraceMs;
    this.ignored = new Promise<never>((_resolve, reject) => {
      this.#giveUp = reject;
    });
    const why = new AbortReason('timeout', `the attempt took longer than ${timeoutMs} ms`);
    this.#timeout = setTimeout(() => this.#abort(why), timeoutMs);
    if (signal?.aborted) this.#onOuter();
    else signal?.addEventListener('abort', this.#onOuter, { once: true });
  }

  get signal(): AbortSignal {
    return this.#controller.signal;
  }

  get reason(): AbortReason | undefined {
    return this.#controller.signal.reason;
  }

  dispose(): void {
    clearTimeout(this.#timeout);
    clearTimeout(this.#grace);
    this.#outer?.removeEventListener('abort', this.#onOuter);
  }

  readonly #onOuter = (): void => {
    const reason: unknown = this.#outer?.reason;
    this.#abort(
      reason instanceof AbortReason ? reason : new AbortReason('cancelled', 'the job was cancelled'),
    );
  };

  #abort(reason: AbortReason): void {
    if (this.#controller.signal.aborted) return;
    this.#controller.abort(reason);
    this.#grace = setTimeout(() => this.#giveUp(reason), this.#graceMs);
  }
}
