import type { Database } from '../database/database.js';
import type { Queryable } from '../database/queryable.js';
import { type AbortCause, AbortReason } from '../foundation/abort.js';
import { messageOf } from '../foundation/errors.js';
import { type Logger, loggerWith } from '../foundation/logger.js';
import { fieldsOf } from './attempt-log.js';
import type { ClaimedJob } from './claimed.js';
import { PermanentError } from './failure.js';
import { HandlerLog } from './handler-log.js';
import { Journal } from './journal.js';
import { storableJson } from './json.js';
import { type Lost, outcomeOfError, outcomeOfValue, parseInput } from './outcome.js';
import { type Fence, finish, type Outcome } from './sql/settle.js';
import type { Middleware, Task, TaskContext } from './task.js';

export interface AttemptOptions {
  readonly db: Database;
  readonly logger: Logger;
  readonly job: ClaimedJob;
  readonly task: Task;
  readonly middleware: readonly Middleware[];
  /** Called when the handler has completed the job itself: its slots are free, though it may go on. */
  readonly onCompleted: () => void;
  /** How long a handler may go on after its signal fired before it is left behind, milliseconds. */
  readonly abortGraceMs: number;
  /** Lines a second that the handler may add to the log of the process. */
  readonly handlerLogRate: number;
}

/** What the handler did: it returned, it threw, or it ignored its signal until the grace was over. */
type Ending =
  | { readonly kind: 'returned'; readonly value: unknown }
  | { readonly kind: 'threw'; readonly error: unknown }
  | { readonly kind: 'ignored' };

/** What came of an attempt: what is to be recorded, that it has been, or that it is no longer ours. */
export type Conclusion = Outcome | { readonly kind: 'completed' } | Lost;

/** One run of a job's handler. What most attempts never need is made when it is asked for. */
export class Attempt {
  readonly #options: AttemptOptions;
  #controller: AbortController | undefined;
  #journal: Journal | undefined;
  #handlerLog: HandlerLog | undefined;
  #grace: NodeJS.Timeout | undefined;
  /** Whoever waits for its end; nobody before it has begun and after its handler has ended. */
  #ended: ((conclusion: Conclusion) => void) | undefined;
  #completed: 'no' | 'under way' | 'yes' = 'no';
  /** Whether the job's deadline comes before the attempt's time-out. */
  readonly #overdue: boolean;
  /** When it is to be told that its time is over, on the clock of `performance.now()`. */
  readonly endsAt: number;
  readonly fence: Fence;

  constructor(options: AttemptOptions) {
    this.#options = options;
    const { id, attempt, workerId, claimId, timeoutMs, endsBy } = options.job;
    this.fence = { jobId: id, attempt, workerId, claimId };
    const timesOut = performance.now() + timeoutMs;
    this.#overdue = endsBy < timesOut;
    this.endsAt = Math.min(timesOut, endsBy);
  }

  get job(): ClaimedJob {
    return this.#options.job;
  }

  get signal(): AbortSignal {
    this.#controller ??= new AbortController();
    return this.#controller.signal;
  }

  /** The first reason wins: a time-out does not become a cancel because one came later. */
  abort(kind: AbortCause, message: string): void {
    if (this.signal.aborted) return;
    this.#controller?.abort(new AbortReason(kind, message));
    this.#grace = setTimeout(() => this.#end({ kind: 'ignored' }), this.#options.abortGraceMs);
  }

  /** Its time-out or the job's deadline, whichever was first, has come. */
  expire(): void {
    if (this.#overdue) this.abort('deadline', 'the deadline of the job has passed');
    else this.abort('timeout', `the attempt took longer than ${this.#options.job.timeoutMs} ms`);
  }

  /** Calls the handler. `ended` is called once, later, when it has ended or was left behind; no promise for each. */
  begin(ended: (conclusion: Conclusion) => void): void {
    this.#ended = ended;
    this.#invoke().then(
      (value) => this.#end({ kind: 'returned', value }),
      (error: unknown) => this.#end({ kind: 'threw', error }),
    );
  }

  async #invoke(): Promise<unknown> {
    const { job, task, middleware } = this.#options;
    const input = parseInput(task, job.input);
    const context = new AttemptContext(this);
    const wrapped = middleware.some((wrap) => wrap.wants?.(job) ?? true);
    if (!wrapped) return task.run(input, context);
    const run = middleware.reduceRight<() => Promise<unknown>>(
      (next, wrap) => () => (wrap.wants?.(job) === false ? next() : wrap(context, next)),
      () => task.run(input, context),
    );
    return run();
  }

  #end(ending: Ending): void {
    const ended = this.#ended;
    if (ended === undefined) return;
    this.#ended = undefined;
    clearTimeout(this.#grace);
    if (ending.kind === 'ignored') this.#tellIgnored();
    this.#handlerLog?.close();
    if (this.#journal === undefined) ended(this.#conclusionOf(ending));
    else void this.#journal.close().then(() => ended(this.#conclusionOf(ending)));
  }

  get journal(): Journal {
    if (this.#journal !== undefined) return this.#journal;
    const { db, logger, job } = this.#options;
    this.#journal = new Journal(db, this.fence, loggerWith(logger, fieldsOf(job)), () => {
      this.abort('lease_lost', 'the attempt was given to another worker');
    });
    return this.#journal;
  }

  get handlerLog(): HandlerLog {
    const { job, logger, handlerLogRate } = this.#options;
    this.#handlerLog ??= new HandlerLog(logger, job, handlerLogRate);
    return this.#handlerLog;
  }

  /** See `TaskContext.complete`. */
  async complete(work: (tx: Queryable) => Promise<unknown>): Promise<void> {
    if (this.#completed !== 'no') throw new TypeError('The job is completed already.');
    this.signal.throwIfAborted();
    this.#completed = 'under way';
    try {
      await this.#options.db.transaction((tx) => this.#completeIn(tx, work));
      this.#completed = 'yes';
      this.#options.onCompleted();
    } finally {
      if (this.#completed !== 'yes') this.#completed = 'no';
    }
  }

  async #completeIn(tx: Queryable, work: (tx: Queryable) => Promise<unknown>): Promise<void> {
    const fence = this.fence;
    const json = storableJson(await work(tx));
    if (!json.ok) throw new PermanentError(`The result ${json.path} ${json.problem}.`);
    const { limited } = this.#options.job;
    const outcome = { kind: 'succeeded', resultJson: json.text } as const;
    const held = await finish(tx, fence.workerId, [{ fence, outcome, limited }], []);
    if (held !== null) throw new AbortReason('lease_lost', 'the attempt was given to another worker');
  }

  #tellIgnored(): void {
    const { job, abortGraceMs, logger } = this.#options;
    logger.error(
      fieldsOf(job),
      `the handler did not stop within ${abortGraceMs} ms of its abort signal and is left behind`,
    );
  }

  #conclusionOf(ending: Ending): Conclusion {
    if (this.#completed === 'yes') return { kind: 'completed' };
    const { job, task, logger } = this.#options;
    const aborted: AbortReason | undefined = this.#controller?.signal.reason;
    if (ending.kind === 'returned') return outcomeOfValue(job, task, ending.value, aborted);
    const thrown = ending.kind === 'threw' ? ending.error : aborted;
    return outcomeOfError(job, task, thrown, aborted, (error) => {
      const line = { ...fieldsOf(job), error: messageOf(error) };
      logger.error(line, 'the classifier of a task threw');
    });
  }
}

class AttemptContext implements TaskContext {
  readonly #attempt: Attempt;

  constructor(attempt: Attempt) {
    this.#attempt = attempt;
  }

  get job(): TaskContext['job'] {
    return this.#attempt.job;
  }

  get signal(): AbortSignal {
    return this.#attempt.signal;
  }

  // Made when asked for, and bound, because handlers take them out of the context.
  get progress(): TaskContext['progress'] {
    return (fraction, message) => this.#attempt.journal.progress(fraction, message);
  }

  get log(): TaskContext['log'] {
    return (level, message, data) => {
      this.#attempt.journal.log(level, message, data);
      this.#attempt.handlerLog.write(level, message, data);
    };
  }

  get complete(): TaskContext['complete'] {
    return (work) => this.#attempt.complete(work);
  }
}
