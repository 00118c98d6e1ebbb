export { Database, type DatabaseOptions } from './database/database.js';
export { migrateUp } from './database/migrations.js';
export type { Queryable } from './database/queryable.js';
export { Engine, type EngineOptions } from './engine/engine.js';
export type { EnqueueOptions } from './engine/enqueue.js';
export type { ExplainReason, Explanation } from './engine/explain.js';
export { PermanentError, Snooze } from './engine/failure.js';
export type { WorkFinding } from './engine/findings.js';
export type { Job, JobError, JobEvent, JobLogLine, JobStatus, WorkerInfo } from './engine/job.js';
export { engineMigrations } from './engine/migrations.js';
export {
  type Caller,
  type OpenTask,
  type Task,
  type TaskContext,
  type TaskOptions,
  task,
} from './engine/task.js';
export type { Worker, WorkerOptions } from './engine/worker.js';
export { type AbortCause, AbortReason, abortCauseOf } from './foundation/abort.js';
export type { Backoff } from './foundation/backoff.js';
export { SignalboxError } from './foundation/errors.js';
export type { Logger } from './foundation/logger.js';
