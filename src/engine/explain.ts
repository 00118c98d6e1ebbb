import { closedRates, ends, fullLimits, pauses } from './explain-limits.js';
import { count, type ExplainReason, reason } from './explain-reason.js';
import type { Job } from './job.js';
import type { WaitFacts } from './sql/facts.js';

export type { ExplainReason } from './explain-reason.js';

/** Why a job is where it is. `summary` is the first reason's sentence. */
export interface Explanation {
  readonly jobId: string;
  readonly status: Job['status'];
  readonly summary: string;
  readonly reasons: readonly ExplainReason[];
}

/** A pure function of what the database said. Gives at least one reason, the most decisive first. */
export function explain(job: Job, facts: WaitFacts): Explanation {
  const reasons = reasonsFor(job, facts);
  const summary = reasons[0]?.message ?? '';
  return Object.freeze({ jobId: job.id, status: job.status, summary, reasons: Object.freeze(reasons) });
}

function reasonsFor(job: Job, facts: WaitFacts): ExplainReason[] {
  switch (job.status) {
    case 'succeeded':
      return [reason('succeeded', `It succeeded in attempt ${job.attempt}.`)];
    case 'failed':
      return [failed(job)];
    case 'cancelled':
      return [
        reason('cancelled', 'It was cancelled.', `To run it after all: signalbox jobs retry ${job.id}`),
      ];
    case 'blocked':
      return [reason('blocked', 'It waits for its parent jobs to finish.')];
    case 'processing':
      return processing(job, facts);
    case 'scheduled':
    case 'retrying':
      return facts.due
        ? waiting(job, facts)
        : [later(job), ...pauses(facts), ...missingWorker(job, facts), ...ends(job)];
    case 'queued':
      return waiting(job, facts);
    default:
      return job.status satisfies never;
  }
}

function processing(job: Job, facts: WaitFacts): ExplainReason[] {
  if (!facts.holderLive) {
    return [
      reason(
        'worker_lost',
        `The worker that ran attempt ${job.attempt} has stopped answering; the job is given to another one within seconds.`,
        'If this stays, no process with a database connection is left to rescue it: signalbox start',
      ),
    ];
  }
  if (job.cancelRequestedAt !== null) {
    return [reason('cancelling', 'Its cancel was requested; the handler has been told to stop.')];
  }
  return [reason('running', `Attempt ${job.attempt} is running.`), ...ends(job)];
}

function failed(job: Job): ExplainReason {
  const error = job.error ? `${job.error.type}: ${job.error.message}` : 'no error was recorded';
  return reason(
    'failed',
    `${causeOf(job)} (${error}).`,
    `Once the cause is gone: signalbox jobs retry ${job.id}`,
  );
}

function causeOf(job: Job): string {
  switch (job.reason) {
    case 'crashed':
      return `It was stopped after ${job.crashes} worker crashes`;
    case 'permanent_error':
      return `It failed in attempt ${job.attempt} with an error that a retry cannot mend`;
    case 'deadline':
      return `It had not ended by its deadline, ${job.deadlineAt?.toISOString()}`;
    case 'expired':
      return `It had not started by ${job.expiresAt?.toISOString()}`;
    default:
      return `All ${job.maxAttempts} attempts failed`;
  }
}

function later(job: Job): ExplainReason {
  const when = job.runAt.toISOString();
  if (job.status === 'retrying') {
    const error = job.error ? ` (${job.error.type}: ${job.error.message})` : '';
    return reason(
      'retry_wait',
      `Attempt ${job.attempt} failed${error}; the next one starts at ${when}, ${job.failures} of ${job.maxAttempts} attempts are used.`,
    );
  }
  const why = job.progress?.message ? `: ${job.progress.message}` : '';
  if (job.reason === 'rate_limited') {
    return reason(
      'rate_limited',
      `Its handler was refused for coming too often, and waits until ${when}${why}.`,
    );
  }
  if (job.reason === 'snoozed') {
    return reason('snoozed', `Its handler put it off until ${when}${why}.`);
  }
  return reason('scheduled', `It is scheduled for ${when}.`);
}

function waiting(job: Job, facts: WaitFacts): ExplainReason[] {
  const causes = [
    ...pauses(facts),
    ...missingWorker(job, facts),
    ...fullLimits(job, facts),
    ...closedRates(facts),
    ...busySlots(facts),
  ];
  if (causes.length === 0)
    causes.push(reason('next', `A worker is free and takes it next; ${ahead(facts)}.`));
  return [...causes, ...ends(job)];
}

function busySlots(facts: WaitFacts): ExplainReason[] {
  if (facts.able === 0 || facts.busy < facts.slots) return [];
  return [
    reason(
      'slots_busy',
      `All ${facts.slots} slots of the ${count(facts.able, 'worker')} that can run it are busy; ${ahead(facts)}.`,
      'To run more at once: start another worker, or raise SIGNALBOX_CONCURRENCY.',
    ),
  ];
}

function missingWorker(job: Job, facts: WaitFacts): ExplainReason[] {
  if (facts.able > 0) return [];
  const start = startCommand(job.queue);
  if (facts.withoutTask > 0) {
    return [
      reason(
        'no_worker_for_task',
        `${count(facts.withoutTask, 'live worker')} ${facts.withoutTask === 1 ? 'serves' : 'serve'} queue "${job.queue}", but none knows the task "${job.task}".`,
        'Deploy the code that defines the task to the workers.',
      ),
    ];
  }
  if (facts.draining > 0) {
    return [reason('workers_draining', `Every worker for queue "${job.queue}" is shutting down.`, start)];
  }
  if (facts.withoutQueue > 0) {
    return [
      reason(
        'no_worker_for_queue',
        `No live worker serves queue "${job.queue}"; those there are serve others.`,
        start,
      ),
    ];
  }
  return [reason('no_worker', `No live worker serves queue "${job.queue}".`, start)];
}

/** What starts a worker for a queue. */
export function startCommand(queue: string): string {
  return `signalbox start --worker --queues ${queue}`;
}

function ahead(facts: WaitFacts): string {
  if (facts.ahead === 0) return 'it is the first in its queue';
  return `${facts.ahead >= 1_000 ? '1,000 or more' : facts.ahead} in its queue come before it`;
}
