import type { z } from 'zod';
import type { Queryable } from '../database/queryable.js';
import { type Backoff, defaultBackoff } from '../foundation/backoff.js';
import type { LogLevel } from './job.js';

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
  };
  /** Fires with an AbortReason: time-out, cancel, lost lease, shutdown. A handler that ignores it is left behind. */
  readonly signal: AbortSignal;
  /** Tells how far the work is: `fraction` from 0 to 1. Kept at most a few times a second. */
  progress(fraction: number, message?: string): void;
  /** Writes a line to the job's own log. Bounded: lines past the limit are counted, not kept. */
  log(level: LogLevel, message: string, data?: Readonly<Record<string, unknown>>): void;
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
   * belongs with the job. Throws a SignalboxError to refuse.
   */
  admit(tx: Queryable, job: { id: string; input: Input; caller: Caller }): Promise<void>;
}

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
  readonly open: OpenTask<z.output<Schema>> | undefined;
  run(input: z.output<Schema>, context: TaskContext): Promise<unknown>;
}

/** A registered symbol: a task made by another copy of this package is a task too. */
const brand = Symbol.for('signalbox.task');

const namePattern = /^[a-z0-9][a-z0-9_.:-]{0,99}$/i;

/** Defines a task. @throws TypeError when the definition itself is wrong. */
export function task<Schema extends z.ZodType>(options: TaskOptions<Schema>): Task<Schema> {
  const { queue = 'default', priority = 0, maxAttempts = 3, timeoutMs = 600_000 } = options;
  const problems = [
    namePattern.test(options.name) ? '' : 'name must be 1 to 100 letters, digits or _ . : -',
    namePattern.test(queue) ? '' : 'queue must be 1 to 100 letters, digits or _ . : -',
    Number.isInteger(priority) && Math.abs(priority) <= 1_000 ? '' : 'priority must be from -1000 to 1000',
    Number.isInteger(maxAttempts) && maxAttempts >= 1 && maxAttempts <= 100
      ? ''
      : 'maxAttempts must be from 1 to 100',
    Number.isInteger(timeoutMs) && timeoutMs >= 1 && timeoutMs <= 604_800_000
      ? ''
      : 'timeoutMs must be from 1 to 604800000 (a week)',
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
    open: options.open,
    run: options.run,
  });
}

/** Whether `task` made it: tells a module's tasks from whatever else it exports. */
export function isTask(value: unknown): value is Task {
  return typeof value === 'object' && value !== null && brand in value;
}
