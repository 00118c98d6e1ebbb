import type { Job } from '../job.js';
import type { WaitFacts } from '../sql/explain.js';
import { type ExplainReason, reason } from './reason.js';
import { noLeader } from './too-late.js';

/** Its time has not come. */
export function later(job: Job): ExplainReason {
  const until = job.runAt;
  const when = until.toISOString();
  if (job.status === 'retrying') {
    const { attempt, failures, maxAttempts, error } = job;
    const told = error ? ` (${error.type}: ${error.message})` : '';
    return reason(
      'retry_wait',
      { until, attempt, failures, maxAttempts, errorType: error?.type ?? null },
      `Attempt ${attempt} failed${told}; the next one starts at ${when}, ${failures} of ${maxAttempts} attempts are used.`,
    );
  }
  const said = job.progress?.message ?? null;
  const why = said === null ? '' : `: ${said}`;
  switch (job.reason) {
    case 'rate_limited':
      return reason(
        'rate_limited',
        { kind: 'job', name: job.id, until },
        `Its handler was refused for coming too often, and waits until ${when}${why}.`,
      );
    case 'snoozed':
      return reason('snoozed', { until, said }, `Its handler put it off until ${when}${why}.`);
    default:
      return reason('scheduled', { until }, `It is scheduled for ${when}.`);
  }
}

/** Its time has come, and nobody has moved it on. */
export function stillDue(job: Job, { led }: WaitFacts): ExplainReason[] {
  const since = job.runAt;
  const due = reason(
    'due',
    { since },
    `Its time came at ${since.toISOString()}; any process that runs the engine queues it within a second.`,
  );
  return led ? [due] : [due, noLeader()];
}
