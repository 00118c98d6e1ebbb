import type {
  Job,
  JobError,
  JobEvent,
  JobEventType,
  JobLogLine,
  JobProgress,
  JobReason,
  JobStatus,
  LogLevel,
  WorkerInfo,
} from './job.js';

/** A row of those views as `pg` gives it. */
export interface JobRow {
  id: string;
  task: string;
  queue: string;
  status: JobStatus;
  reason: JobReason | null;
  priority: number;
  input: unknown;
  result: unknown;
  error: JobError | null;
  progress: JobProgress | null;
  attempt: number;
  failures: number;
  max_attempts: number;
  crashes: number;
  timeout_ms: number;
  owner: string | null;
  tags: string[];
  trace_parent: string | null;
  limit_key: string | null;
  limit_max: number | null;
  unique_key: string | null;
  worker_id: string | null;
  run_at: Date;
  created_at: Date;
  updated_at: Date;
  started_at: Date | null;
  finished_at: Date | null;
  cancel_requested_at: Date | null;
  expires_at: Date | null;
  deadline_at: Date | null;
}

/** Every column that `toJob` reads, of the views `signalbox.unfinished_jobs` and `signalbox.ended_jobs`. */
export const jobColumns = `id, task, queue, status, reason, priority, input, result, error, progress, attempt,
  failures, max_attempts, crashes, timeout_ms, owner, tags, trace_parent, limit_key, limit_max, unique_key, worker_id,
  run_at, created_at, updated_at, started_at, finished_at, cancel_requested_at, expires_at, deadline_at`;

export function toJob(row: JobRow): Job {
  return Object.freeze({
    id: row.id,
    task: row.task,
    queue: row.queue,
    status: row.status,
    reason: row.reason,
    priority: row.priority,
    input: row.input,
    result: row.result,
    error: row.error,
    progress: row.progress,
    attempt: row.attempt,
    failures: row.failures,
    maxAttempts: row.max_attempts,
    crashes: row.crashes,
    timeoutMs: row.timeout_ms,
    owner: row.owner,
    tags: Object.freeze(row.tags),
    traceParent: row.trace_parent,
    limitKey: row.limit_key,
    limitMax: row.limit_max,
    uniqueKey: row.unique_key,
    workerId: row.worker_id,
    runAt: row.run_at,
    createdAt: row.created_at,
    updatedAt: row.updated_at,
    startedAt: row.started_at,
    finishedAt: row.finished_at,
    cancelRequestedAt: row.cancel_requested_at,
    expiresAt: row.expires_at,
    deadlineAt: row.deadline_at,
  });
}

export interface EventRow {
  seq: number;
  at: string;
  type: JobEventType;
  attempt: number;
  data: Record<string, unknown>;
}

export function toEvent(jobId: string, row: EventRow): JobEvent {
  const { seq, at, type, attempt, data } = row;
  return Object.freeze({ jobId, seq, at: new Date(at), type, attempt, data });
}

export interface LogRow {
  seq: number;
  at: Date;
  attempt: number;
  level: LogLevel;
  message: string;
  data: Record<string, unknown> | null;
}

export function toLogLine(row: LogRow): JobLogLine {
  return Object.freeze({ ...row });
}

export interface WorkerRow {
  id: string;
  hostname: string;
  pid: number;
  queues: string[] | null;
  tasks: string[];
  concurrency: number;
  status: 'running' | 'draining';
  live: boolean;
  running: number;
  started_at: Date;
  heartbeat_at: Date;
}

export function toWorker(row: WorkerRow): WorkerInfo {
  const { started_at: startedAt, heartbeat_at: heartbeatAt, ...rest } = row;
  return Object.freeze({ ...rest, startedAt, heartbeatAt });
}
