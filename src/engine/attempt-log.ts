import type { Logger } from '../foundation/logger.js';
import type { ClaimedJob } from './claimed.js';
import type { Outcome } from './sql/settle.js';

/** What went wrong in an attempt. Successes are told by the hooks: a line each would be most of what a worker does. */
export function logOutcome(logger: Logger, job: ClaimedJob, outcome: Outcome, ms: number): void {
  if (outcome.kind !== 'failed' && outcome.kind !== 'retrying') return;
  const { type, message } = outcome.error;
  const line = { ...idsOf(job), ms: Math.round(ms), error_type: type, error: message };
  logger[outcome.kind === 'failed' ? 'error' : 'warn'](line, `attempt ${outcome.kind}`);
}

export function logLate(logger: Logger, job: ClaimedJob, ms: number, lateOutcomes: number): void {
  const line = { ...idsOf(job), ms: Math.round(ms), late_outcomes: lateOutcomes };
  logger.warn(line, 'the attempt was taken away; its outcome was dropped');
}

function idsOf(job: ClaimedJob) {
  return { job_id: job.id, task: job.task, queue: job.queue, attempt: job.attempt };
}
