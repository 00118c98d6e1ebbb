import { jobSpanId, traceIdOf } from '../foundation/job-trace.js';
import type { Logger } from '../foundation/logger.js';
import type { ClaimedJob } from './claimed.js';
import type { Outcome } from './sql/settle.js';

/** What every line about an attempt says. */
export interface AttemptFields {
  readonly trace_id: string;
  /** Of the attempt's span, recorded or not. */
  readonly span_id: string;
  readonly job_id: string;
  readonly task: string;
  readonly queue: string;
  readonly attempt: number;
  readonly worker: string;
}

export type AttemptNames = Pick<ClaimedJob, 'id' | 'task' | 'queue' | 'attempt' | 'workerId' | 'traceParent'>;

export function fieldsOf(job: AttemptNames): AttemptFields {
  const { id, task, queue, attempt, workerId } = job;
  return {
    trace_id: traceIdOf(job),
    span_id: jobSpanId(id, 'process', attempt),
    job_id: id,
    task,
    queue,
    attempt,
    worker: workerId,
  };
}

/** What went wrong in an attempt. Successes are told by the hooks: a line each would be most of what a worker does. */
export function logOutcome(logger: Logger, job: ClaimedJob, outcome: Outcome, ms: number): void {
  if (outcome.kind !== 'failed' && outcome.kind !== 'retrying') return;
  const { type, message } = outcome.error;
  const line = { ...fieldsOf(job), ms: Math.round(ms), error_type: type, error: message };
  logger[outcome.kind === 'failed' ? 'error' : 'warn'](line, `attempt ${outcome.kind}`);
}

export function logLate(logger: Logger, job: ClaimedJob, ms: number, lateOutcomes: number): void {
  const line = { ...fieldsOf(job), ms: Math.round(ms), late_outcomes: lateOutcomes };
  logger.warn(line, 'the attempt was taken away; its outcome was dropped');
}
