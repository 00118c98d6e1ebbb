import type { Database } from '../database/database.js';
import { type AbortCause, AbortReason, abortCauseOf } from '../foundation/abort.js';
import { backoffDelayMs } from '../foundation/backoff.js';
import type { Logger } from '../foundation/logger.js';
import { systemClock } from '../foundation/time.js';
import { problemsOf } from './enqueue.js';
import { describeFailure, PermanentError, Snooze, storableText } from './failure.js';
import type { Job } from './job.js';
import { Journal } from './journal.js';
import { storableJson } from './json.js';
import type { Fence, Outcome } from './sql/settle.js';
import type { Task, TaskContext } from './task.js';

export interface AttemptOptions {
  readonly db: Database;
  readonly logger: Logger;
  readonly job: Job;
  readonly task: Task;
  readonly workerId: string;
  /** How long a handler may go on after its signal fired before it is left behind, milliseconds. */
  readonly abortGraceMs: number;
}

/** What the handler did: it returned, it threw, or it ignored its signal until the grace was over. */
type Ending =
  | { readonly kind: 'returned'; readonly value: unknown }
  | { readonly kind: 'threw'; readonly error: unknown }
  | { readonly kind: 'ignored' };

/** One run of a job's handler. */
export class Attempt {
  readonly #options: AttemptOptions;
  readonly #controller = new AbortController();
  readonly #journal: Journal;

  constructor(options: AttemptOptions) {
    this.#options = options;
    this.#journal = new Journal(options.db, this.fence, options.logger, () => {
      this.abort('lease_lost', 'the attempt was given to another worker');
    });
  }

  get fence(): Fence {
    const { job, workerId } = this.#options;
    return { jobId: job.id, attempt: job.attempt, workerId };
  }

  get signal(): AbortSignal {
    return this.#controller.signal;
  }

  /** The first reason wins: a time-out does not become a cancel because one came later. */
  abort(kind: AbortCause, message: string): void {
    this.#controller.abort(new AbortReason(kind, message));
  }

  /** Runs the handler to its end. @returns the outcome to record; `undefined` when the attempt is no longer ours */
  async run(): Promise<Outcome | undefined> {
    const { job } = this.#options;
    const timer = setTimeout(() => {
      this.abort('timeout', `the attempt took longer than ${job.timeoutMs} ms`);
    }, job.timeoutMs);
    try {
      const ending = await this.#end();
      await this.#journal.close();
      return this.#outcomeOf(ending);
    } finally {
      clearTimeout(timer);
    }
  }

  async #end(): Promise<Ending> {
    const { job, task, abortGraceMs, logger } = this.#options;
    const parsed = task.input.safeParse(job.input);
    if (!parsed.success) {
      const problems = problemsOf(parsed.error, 'input').map((p) => `${p.field} ${p.message}`);
      return {
        kind: 'threw',
        error: new PermanentError(`The input does not fit the task: ${problems.join('; ')}`),
      };
    }
    const ran = this.#invoke(parsed.data);
    const settled = new AbortController();
    const ignored = new Promise<Ending>((resolve) => {
      const onAbort = async () => {
        await systemClock.sleep(abortGraceMs, settled.signal);
        resolve({ kind: 'ignored' });
      };
      if (this.signal.aborted) void onAbort();
      else this.signal.addEventListener('abort', onAbort, { once: true });
    });
    const ending = await Promise.race([ran, ignored]);
    settled.abort();
    if (ending.kind === 'ignored') {
      logger.error(
        { job_id: job.id, task: job.task, attempt: job.attempt },
        `the handler did not stop within ${abortGraceMs} ms of its abort signal and is left behind`,
      );
    }
    return ending;
  }

  async #invoke(input: unknown): Promise<Ending> {
    try {
      return { kind: 'returned', value: await this.#options.task.run(input, this.#context()) };
    } catch (error) {
      return { kind: 'threw', error };
    }
  }

  #context(): TaskContext {
    const { id, task, queue, attempt, owner, tags } = this.#options.job;
    return Object.freeze({
      job: Object.freeze({ id, task, queue, attempt, owner, tags }),
      signal: this.signal,
      progress: (fraction: number, message?: string) => this.#journal.progress(fraction, message),
      log: (...line: Parameters<Journal['log']>) => this.#journal.log(...line),
    });
  }

  #outcomeOf(ending: Ending): Outcome | undefined {
    const cause = abortCauseOf(this.signal);
    if (cause === 'lease_lost') return undefined;
    // Work that was done counts as done, even when somebody wanted it stopped a moment earlier.
    if (ending.kind === 'returned') return this.#success(ending.value);
    switch (cause) {
      case 'cancelled':
        return { kind: 'cancelled' };
      case 'shutdown':
        return { kind: 'released' };
      case 'timeout':
        return this.#failure(this.signal.reason, 'timeout');
      default:
        return this.#failure(ending.kind === 'threw' ? ending.error : this.signal.reason, 'error');
    }
  }

  #success(value: unknown): Outcome {
    const json = storableJson(value);
    if (json.ok) return { kind: 'succeeded', resultJson: json.text };
    return this.#failure(new PermanentError(`The result ${json.path} ${json.problem}.`), 'error');
  }

  #failure(thrown: unknown, reason: 'timeout' | 'error'): Outcome {
    const { job, task } = this.#options;
    if (thrown instanceof Snooze) {
      return { kind: 'snoozed', delayMs: thrown.delayMs, message: storableText(thrown.message, 200) };
    }
    const error =
      reason === 'timeout'
        ? { ...describeFailure(thrown, job.attempt), type: 'timeout' }
        : describeFailure(thrown, job.attempt);
    const failures = job.failures + 1;
    if (!error.retryable) return { kind: 'failed', reason: 'permanent_error', error };
    if (failures >= job.maxAttempts) return { kind: 'failed', reason: 'attempts_exhausted', error };
    return { kind: 'retrying', reason, error, delayMs: backoffDelayMs(task.backoff, failures) };
  }
}
