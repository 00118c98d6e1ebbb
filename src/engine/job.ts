/**
 * Where a job is. One column holds it, and a trigger of the database refuses every move that
 * `transitions` does not name.
 *
 * | state | entered by | left by | when its process crashes |
 * | --- | --- | --- | --- |
 * | `scheduled` | enqueue with a later `runAt`; a handler that snoozes | promoter when due; cancel | nothing: no process holds it |
 * | `blocked` | enqueue with unfinished parents (flows) | the last parent; cancel | nothing |
 * | `queued` | enqueue; promoter; rescue; release; retry | claim; cancel | nothing |
 * | `processing` | claim by a worker | that attempt's outcome; rescue; enforced cancel | the lease ends, the leader moves it to `queued`, or to `failed` after too many crashes |
 * | `retrying` | a failed attempt with attempts left | promoter when due; cancel | nothing |
 * | `succeeded` | the handler's result | nothing: final | nothing |
 * | `failed` | a permanent error, the last attempt, too many crashes | retry by a person | nothing |
 * | `cancelled` | cancel | retry by a person | nothing |
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

/** Every legal move. The same table stands in the migration that makes the trigger; a test compares them. */
export const transitions: Readonly<Record<JobStatus, readonly JobStatus[]>> = Object.freeze({
  scheduled: ['queued', 'cancelled'],
  blocked: ['queued', 'cancelled'],
  queued: ['processing', 'cancelled'],
  processing: ['succeeded', 'failed', 'cancelled', 'retrying', 'scheduled', 'queued'],
  retrying: ['queued', 'cancelled'],
  succeeded: [],
  failed: ['queued'],
  cancelled: ['queued'],
});

export const finalStatuses: readonly JobStatus[] = ['succeeded', 'failed', 'cancelled'];

export function isFinal(status: JobStatus): boolean {
  return finalStatuses.includes(status);
}

/** Why a job is in its state, where the state alone does not say. */
export type JobReason =
  | 'permanent_error'
  | 'attempts_exhausted'
  | 'crashed'
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
  readonly workerId: string | null;
  /** Not started before this time. */
  readonly runAt: Date;
  readonly createdAt: Date;
  readonly updatedAt: Date;
  /** Start of the current or last attempt. */
  readonly startedAt: Date | null;
  readonly finishedAt: Date | null;
  readonly cancelRequestedAt: Date | null;
}

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
