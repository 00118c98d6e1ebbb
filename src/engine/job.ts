/**
 * Where a job is, and what moves it. Its place says its state: a row of `signalbox.job` without a hold is `queued`, or
 * `processing` when a claim names it; with a hold it is `scheduled`, `retrying` or `blocked`; a row of
 * `signalbox.finished` has ended. Each move is one function of the database, which asserts where the job came from.
 *
 * | state | entered by | left by | when its process crashes |
 * | --- | --- | --- | --- |
 * | `scheduled` | enqueue with a later `runAt`; a handler that snoozes | `promote` when due; `cancel`; `end_overdue` | nothing: no process holds it |
 * | `blocked` | enqueue with unfinished parents (flows) | the last parent; `cancel` | nothing |
 * | `queued` | enqueue; `promote`; `rescue`; `give_back`; `retry` | `claim`; `cancel`; `end_overdue` | nothing |
 * | `processing` | `claim` | `finish`, `give_back`; `rescue`; `end_cancelled`, `end_overdue` after a grace | the lease ends, the leader puts it back, or fails it after too many crashes |
 * | `retrying` | a failed attempt with attempts left | `promote` when due; `cancel`; `end_overdue` | nothing |
 * | `succeeded` | the handler's result | nothing: final | nothing |
 * | `failed` | a permanent error, the last attempt, too many crashes, a deadline | `retry` by a person | nothing |
 * | `cancelled` | cancel | `retry` by a person | nothing |
 *
 * Invariants, which tests and `signalbox doctor` check:
 * 1. A job is in exactly one place, and in exactly one state there.
 * 2. Every completion is fenced by job, attempt, claim and worker incarnation; a late one changes nothing.
 * 3. Every processing job belongs to a live worker, or is rescued within 15 s of that worker's death.
 * 4. No limit is ever exceeded: every running job of a limit has a slot, and the count of slots decides.
 * 5. Only the database's clock decides.
 */
export const jobStatuses = [
  'scheduled',
  'blocked',
  'queued',
  'processing',
  'retrying',
  'succeeded',
  'failed',
  'cancelled',
] as const;
export type JobStatus = (typeof jobStatuses)[number];

/** Every legal move. The model that the engine is tested against is made of it. */
export const transitions: Readonly<Record<JobStatus, readonly JobStatus[]>> = Object.freeze({
  scheduled: ['queued', 'cancelled', 'failed'],
  blocked: ['queued', 'cancelled', 'failed'],
  queued: ['processing', 'cancelled', 'failed'],
  processing: ['succeeded', 'failed', 'cancelled', 'retrying', 'scheduled', 'queued'],
  retrying: ['queued', 'cancelled', 'failed'],
  succeeded: [],
  failed: ['queued'],
  cancelled: ['queued'],
});

export const unfinishedStatuses: readonly JobStatus[] = [
  'scheduled',
  'blocked',
  'queued',
  'processing',
  'retrying',
];
export const finalStatuses: readonly JobStatus[] = ['succeeded', 'failed', 'cancelled'];

export function isFinal(status: JobStatus): boolean {
  return finalStatuses.includes(status);
}

/** Why a job is in its state, where the state alone does not say. */
export type JobReason =
  | 'permanent_error'
  | 'attempts_exhausted'
  | 'crashed'
  | 'deadline'
  | 'expired'
  | 'rate_limited'
  | 'timeout'
  | 'error'
  | 'cancelled'
  | 'snoozed'
  | 'released'
  | 'rescued'
  | 'retried';

/** What went wrong in the last failed attempt. */
export interface JobError {
  /** Class or code of what was thrown, for example `TypeError` or `image_corrupt`. */
  readonly type: string;
  readonly message: string;
  readonly retryable: boolean;
  readonly attempt: number;
  readonly stack?: string;
}

export interface JobProgress {
  /** 0 to 1. */
  readonly fraction: number;
  readonly message: string | null;
}

/** One piece of work. Times come from the database's clock. */
export interface Job {
  readonly id: string;
  readonly task: string;
  readonly queue: string;
  readonly status: JobStatus;
  readonly reason: JobReason | null;
  /** Smaller runs first. */
  readonly priority: number;
  readonly input: unknown;
  readonly result: unknown;
  readonly error: JobError | null;
  readonly progress: JobProgress | null;
  /** Number of the current or last run, from 1; 0 before the first. Never goes back: it is the fence. */
  readonly attempt: number;
  /** Attempts that failed since the job was made or last retried by a person. */
  readonly failures: number;
  readonly maxAttempts: number;
  /** Attempts that ended because their worker died. They do not count as failures. */
  readonly crashes: number;
  readonly timeoutMs: number;
  readonly owner: string | null;
  readonly tags: readonly string[];
  readonly traceParent: string | null;
  /** Key of its concurrency limit, and how many of that key may run at once. */
  readonly limitKey: string | null;
  readonly limitMax: number | null;
  readonly uniqueKey: string | null;
  readonly workerId: string | null;
  /** Not started before this time. */
  readonly runAt: Date;
  readonly createdAt: Date;
  readonly updatedAt: Date;
  /** Start of the current or last attempt. */
  readonly startedAt: Date | null;
  readonly finishedAt: Date | null;
  readonly cancelRequestedAt: Date | null;
  /** Failed when its first attempt has not started by then. */
  readonly expiresAt: Date | null;
  /** Failed when it has not ended by then. */
  readonly deadlineAt: Date | null;
}

/** The answer for one of many. */
export interface Accepted {
  readonly id: string;
  /** True: there was one with the same id or unique key, and this is it. Nothing was enqueued. */
  readonly duplicate: boolean;
}

/** The answer to an enqueue. */
export type AcceptedJob = Job & Accepted;

/** Something that happened to a job. `seq` counts from 1 without gaps within the job. */
export interface JobEvent {
  readonly jobId: string;
  readonly seq: number;
  readonly at: Date;
  readonly type: JobEventType;
  readonly attempt: number;
  readonly data: Readonly<Record<string, unknown>>;
}

/** A state entered, or what happened within one. */
export type JobEventType = JobStatus | 'progress' | 'cancel_requested';

export type LogLevel = 'debug' | 'info' | 'warn' | 'error';

export interface JobLogLine {
  readonly seq: number;
  readonly at: Date;
  readonly attempt: number;
  readonly level: LogLevel;
  readonly message: string;
  readonly data: Readonly<Record<string, unknown>> | null;
}

/** A worker process that holds a lease, or held one a moment ago. */
export interface WorkerInfo {
  readonly id: string;
  readonly hostname: string;
  readonly pid: number;
  /** `null`: every queue. */
  readonly queues: readonly string[] | null;
  readonly tasks: readonly string[];
  readonly concurrency: number;
  readonly status: 'running' | 'draining';
  /** Whether its lease was valid when it was read. */
  readonly live: boolean;
  readonly running: number;
  readonly startedAt: Date;
  readonly heartbeatAt: Date;
}
