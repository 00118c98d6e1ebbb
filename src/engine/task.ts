import type { z } from 'zod';
import type { Queryable } from '../database/queryable.js';
import { type Backoff, defaultBackoff } from '../foundation/backoff.js';
import type { JobStatus, LogLevel } from './job.js';

/** What a handler is given besides its input. */
export interface TaskContext {
  readonly job: {
    readonly id: string;
    readonly task: string;
    readonly queue: string;
    /** Number of this run, from 1. */
    readonly attempt: number;
    readonly owner: string | null;
    readonly tags: readonly string[];
    /** W3C `traceparent` of whoever enqueued it. */
    readonly traceParent: string | null;
    /** The worker incarnation that runs it. */
    readonly workerId: string;
  };
  /** Fires with an AbortReason: time-out, cancel, lost lease, shutdown. A handler that ignores it is left behind. */
  readonly signal: AbortSignal;
  /** Tells how far the work is: `fraction` from 0 to 1. Kept at most a few times a second. */
  progress(fraction: number, message?: string): void;
  /**
   * Writes a line to the job's own log, and to the log of the process, where it says which job and attempt it is of.
   * Both are bounded: lines past the limit are counted, not kept.
   */
  log(level: LogLevel, message: string, data?: Readonly<Record<string, unknown>>): void;
  /**
   * Completes the job in one transaction with the handler's own writes: what `work` returns is the result, and both are
   * committed or neither is. What the handler returns afterwards is not looked at.
   * @throws AbortReason of kind `lease_lost`, with everything undone, when the attempt has been taken away
   */
  complete(work: (tx: Queryable) => Promise<unknown>): Promise<void>;
}

/** Wraps every attempt, the first given outermost. It must call `next` once, and gives what that gives. */
export interface Middleware {
  (context: TaskContext, next: () => Promise<unknown>): Promise<unknown>;
  /** Attempts that it need not wrap cost it nothing but this look at the job. Unset: it wraps every one. */
  wants?(job: TaskContext['job']): boolean;
}

/** Who asks, when a task is enqueued from outside the process. */
export interface Caller {
  /** Becomes the job's `owner`. */
  readonly id: string;
  readonly permissions: ReadonlySet<string>;
}

/**
 * Declares that callers outside the process may enqueue the task. The engine carries it and never
 * reads it; whoever accepts jobs from outside must refuse every task without one.
 */
export interface OpenTask<Input> {
  /** Permission that the caller needs. */
  readonly permission: string;
  /** What one job costs, in whole credits. */
  price(input: Input): number;
  /**
   * Checks in the enqueueing transaction that what the input names belongs to the caller, and records what
   * belongs with the job. Throws a SignalboxError to refuse. Without it the job goes with those of other callers in
   * one transaction.
   */
  admit?(tx: Queryable, job: { id: string; input: Input; caller: Caller }): Promise<void>;
}

/** Of all jobs with one key, whatever their task, at most `limit` run at once. */
export interface Concurrency {
  /** 1 to 200 characters. */
  readonly key: string;
  /** 1 or more. The limit of the job that would start decides. */
  readonly limit: number;
}

/** At most one job has a key while the holder is in one of the states and the period has not passed. */
export interface Unique {
  /** 1 to 200 characters; shared by all tasks. */
  readonly key: string;
  /** Milliseconds from the holder's enqueue after which the key is free whatever became of it. @default for ever */
  readonly periodMs?: number | undefined;
  /** States of the holder that keep the key. Once left, the key is free for good. @default every unfinished state */
  readonly states?: readonly JobStatus[] | undefined;
}

/** At most `count` starts in any `periodMs` on average, with bursts of at most `count`. */
export interface Rate {
  readonly count: number;
  /** Milliseconds. */
  readonly periodMs: number;
}

/** What shall follow an error: another attempt after the task's backoff or after `delayMs`, or none. */
export type Verdict = 'retry' | 'fail' | { readonly retryInMs: number };

export interface TaskOptions<Schema extends z.ZodType> {
  /** Unique name, dotted by area: `images.enhance`. */
  readonly name: string;
  /** What the input must look like. Checked when a job is enqueued and again before it runs. */
  readonly input: Schema;
  /** @default `default` */
  readonly queue?: string;
  /** Smaller runs first, -1000 to 1000. @default 0 */
  readonly priority?: number;
  /** Failed attempts after which the job is `failed`. @default 3 */
  readonly maxAttempts?: number;
  readonly backoff?: Partial<Backoff>;
  /** Longest that one attempt may take, milliseconds. @default 600000 */
  readonly timeoutMs?: number;
  /** Attempts of this task that may run at once, over all workers. Can be changed at run time. */
  readonly maxRunning?: number;
  /** How often its attempts may start, over all workers. Can be changed at run time. */
  readonly rate?: Rate;
  /** The concurrency key of a job, from its input. */
  concurrency?(input: z.output<Schema>): Concurrency | undefined;
  /** The unique key of a job, from its input. */
  unique?(input: z.output<Schema>): Unique | undefined;
  /** What follows an error; `undefined` leaves it to the rule that every error but a permanent one is retried. */
  classify?(error: unknown, failures: number): Verdict | undefined;
  readonly open?: OpenTask<z.output<Schema>>;
  /** Does the work. What it returns is the job's result and must be JSON. */
  run(input: z.output<Schema>, context: TaskContext): Promise<unknown>;
}

/** A named handler with its input schema and policy. */
export interface Task<Schema extends z.ZodType = z.ZodType> {
  readonly name: string;
  readonly input: Schema;
  readonly queue: string;
  readonly priority: number;
  readonly maxAttempts: number;
  readonly backoff: Backoff;
  readonly timeoutMs: number;
  readonly maxRunning: number | undefined;
  readonly rate: Rate | undefined;
  readonly concurrency: ((input: z.output<Schema>) => Concurrency | undefined) | undefined;
  readonly unique: ((input: z.output<Schema>) => Unique | undefined) | undefined;
  readonly classify: ((error: unknown, failures: number) => Verdict | undefined) | undefined;
  readonly open: OpenTask<z.output<Schema>> | undefined;
  run(input: z.output<Schema>, context: TaskContext): Promise<unknown>;
}

/** A registered symbol: a task made by another copy of this package is a task too. */
const brand = Symbol.for('signalbox.task');

const namePattern = /^[a-z0-9][a-z0-9_.:-]{0,99}$/i;
export const nameRule = 'must be 1 to 100 letters, digits or _ . : -';

/** Whether it can name a task, a queue or a schedule. */
export function isName(text: string): boolean {
  return namePattern.test(text);
}

/** Defines a task. @throws TypeError when the definition itself is wrong. */
export function task<Schema extends z.ZodType>(options: TaskOptions<Schema>): Task<Schema> {
  const { queue = 'default', priority = 0, maxAttempts = 3, timeoutMs = 600_000 } = options;
  const problems = [
    isName(options.name) ? '' : `name ${nameRule}`,
    isName(queue) ? '' : `queue ${nameRule}`,
    Number.isInteger(priority) && Math.abs(priority) <= 1_000 ? '' : 'priority must be from -1000 to 1000',
    Number.isInteger(maxAttempts) && maxAttempts >= 1 && maxAttempts <= 100
      ? ''
      : 'maxAttempts must be from 1 to 100',
    Number.isInteger(timeoutMs) && timeoutMs >= 1 && timeoutMs <= 604_800_000
      ? ''
      : 'timeoutMs must be from 1 to 604800000 (a week)',
    options.maxRunning === undefined || isCount(options.maxRunning)
      ? ''
      : 'maxRunning must be a whole number, 0 or more',
    options.rate === undefined || isRate(options.rate)
      ? ''
      : 'rate must have a whole count and a whole periodMs, each 1 or more',
  ].filter((problem) => problem !== '');
  if (problems.length > 0) throw new TypeError(`task ${options.name}: ${problems.join('; ')}`);
  return Object.freeze({
    [brand]: true,
    name: options.name,
    input: options.input,
    queue,
    priority,
    maxAttempts,
    backoff: Object.freeze({ ...defaultBackoff, ...options.backoff }),
    timeoutMs,
    maxRunning: options.maxRunning,
    rate: options.rate && Object.freeze({ ...options.rate }),
    concurrency: options.concurrency,
    unique: options.unique,
    classify: options.classify,
    open: options.open,
    run: options.run,
  });
}

export function isRate({ count, periodMs }: Rate): boolean {
  return isCount(count) && count >= 1 && isCount(periodMs) && periodMs >= 1;
}

/** A whole number from 0 that the database can hold. */
export function isCount(n: number): boolean {
  return Number.isInteger(n) && n >= 0 && n <= 2_147_483_647;
}

/** Whether `task` made it: tells a module's tasks from whatever else it exports. */
export function isTask(value: unknown): value is Task {
  return typeof value === 'object' && value !== null && brand in value;
}
