export { Database, type DatabaseOptions } from './database/database.js';
export { migrateUp } from './database/migrations.js';
export type { Queryable } from './database/queryable.js';
export type { Canary, CanaryEnd } from './engine/canary/canary.js';
export { Engine, type EngineOptions } from './engine/engine.js';
export type { EnqueueOptions } from './engine/enqueue.js';
export type { EstimatedStart, ExplainReason, Explanation } from './engine/explain/explain.js';
export { PermanentError, RateLimited, Snooze } from './engine/failure.js';
export type { WorkFinding } from './engine/findings/findings.js';
export type { Gates, Limits } from './engine/gates.js';
export type { AttemptInfo, EngineHooks, LaneInfo, RescuedInfo } from './engine/hooks.js';
export { checkInvariants, type Violation } from './engine/invariants.js';
export type {
  Accepted,
  AcceptedJob,
  Job,
  JobError,
  JobEvent,
  JobLogLine,
  JobStatus,
  WorkerInfo,
} from './engine/job.js';
export { engineMigrations } from './engine/migrations.js';
export { isSchedule, type ScheduleOptions, schedule } from './engine/schedules/definition.js';
export type {
  CatchUpPolicy,
  OverlapPolicy,
  Schedule,
  ScheduleDefinition,
  ScheduleFiring,
} from './engine/schedules/schedule.js';
export type { Schedules } from './engine/schedules/schedules.js';
export type { KeepTimes } from './engine/sql/retention.js';
export {
  type Caller,
  type Concurrency,
  type Middleware,
  type OpenTask,
  type Rate,
  type Task,
  type TaskContext,
  type TaskOptions,
  task,
  type Unique,
  type Verdict,
} from './engine/task.js';
export type { Worker, WorkerOptions } from './engine/worker.js';
export { type AbortCause, AbortReason, abortCauseOf } from './foundation/abort.js';
export type { Backoff } from './foundation/backoff.js';
export { SignalboxError } from './foundation/errors.js';
export type { Logger } from './foundation/logger.js';
