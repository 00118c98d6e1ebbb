import type { Job } from '../job.js';
import { type ExplainReason, type FailureCause, reason } from './reason.js';

/** How a job ended, and how to run it once more. */
export function ended(job: Job): ExplainReason {
  const { attempt } = job;
  switch (job.status) {
    case 'succeeded':
      return reason('succeeded', { attempt }, `It succeeded in attempt ${attempt}.`);
    case 'cancelled':
      return reason(
        'cancelled',
        {},
        'It was cancelled.',
        `To run it after all: signalbox jobs retry ${job.id}`,
      );
    default: {
      const error = job.error ? `${job.error.type}: ${job.error.message}` : 'no error was recorded';
      const cause = causeOf(job);
      return reason(
        'failed',
        { cause, attempt, errorType: job.error?.type ?? null },
        `${sentences[cause](job)} (${error}).`,
        `Once the cause is gone: signalbox jobs retry ${job.id}`,
      );
    }
  }
}

function causeOf({ reason: told }: Job): FailureCause {
  switch (told) {
    case 'attempts_exhausted':
    case 'permanent_error':
    case 'crashed':
    case 'deadline':
    case 'expired':
      return told;
    default:
      return 'unknown';
  }
}

const sentences: Readonly<Record<FailureCause, (job: Job) => string>> = {
  attempts_exhausted: (job) => `All ${job.maxAttempts} attempts failed`,
  permanent_error: (job) => `It failed in attempt ${job.attempt} with an error that a retry cannot mend`,
  crashed: (job) => `It was stopped after ${job.crashes} worker crashes`,
  deadline: (job) => `It had not ended by its deadline, ${job.deadlineAt?.toISOString()}`,
  expired: (job) => `It had not started by ${job.expiresAt?.toISOString()}`,
  unknown: (job) => `It failed in attempt ${job.attempt}`,
};
