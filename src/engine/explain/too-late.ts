import { enforcementGraceMs } from '../grace.js';
import type { Job } from '../job.js';
import type { WaitFacts } from '../sql/explain.js';
import { type ExplainReason, reason } from './reason.js';

/** A turn of the leader, and room for a busy database. */
const turnMs = 2_000;

/** A waiting job that will not start any more: the leader ends it in its next turn. `undefined`: it may start. */
export function aboutToEnd(job: Job, { now, led }: WaitFacts): ExplainReason[] | undefined {
  const ending = endOf(job, now);
  if (ending === undefined) return undefined;
  return led ? [ending] : [ending, noLeader()];
}

function endOf(job: Job, now: Date): ExplainReason | undefined {
  const { cancelRequestedAt, deadlineAt, expiresAt, startedAt } = job;
  const endsBy = new Date(now.getTime() + turnMs);
  if (cancelRequestedAt !== null) {
    return reason(
      'cancelling',
      { requestedAt: cancelRequestedAt, endsBy },
      'Its cancel was requested; it does not start any more and is ended within a second.',
    );
  }
  if (deadlineAt !== null && deadlineAt <= now) {
    return reason(
      'too_late',
      { cause: 'deadline', at: deadlineAt, endsBy },
      `Its deadline, ${deadlineAt.toISOString()}, has passed; it does not start any more and is failed within a second.`,
    );
  }
  if (expiresAt !== null && expiresAt <= now && startedAt === null) {
    return reason(
      'too_late',
      { cause: 'expired', at: expiresAt, endsBy },
      `It was to start by ${expiresAt.toISOString()}; it does not start any more and is failed within a second.`,
    );
  }
  return undefined;
}

/** What the worker of a running job should have stopped by now, and the leader stops for it. */
export function aboutToBeTaken(job: Job, now: Date, since: Date): ExplainReason[] {
  const { cancelRequestedAt, deadlineAt, timeoutMs } = job;
  const found: ExplainReason[] = [];
  if (cancelRequestedAt !== null) {
    const endsBy = enforcedAfter(cancelRequestedAt);
    found.push(
      reason(
        'cancelling',
        { requestedAt: cancelRequestedAt, endsBy },
        `Its cancel was requested at ${cancelRequestedAt.toISOString()}; the handler has been told to stop, and if it does not the job is ended at ${endsBy.toISOString()}.`,
      ),
    );
  }
  if (deadlineAt !== null && deadlineAt <= now) {
    const endsBy = enforcedAfter(deadlineAt);
    found.push(
      reason(
        'too_late',
        { cause: 'deadline', at: deadlineAt, endsBy },
        `Its deadline, ${deadlineAt.toISOString()}, has passed; the handler has been told to stop, and if it does not the job is failed at ${endsBy.toISOString()}.`,
      ),
    );
  }
  const timedOutAt = new Date(since.getTime() + timeoutMs);
  if (timedOutAt <= now) {
    const endsBy = enforcedAfter(timedOutAt);
    found.push(
      reason(
        'overrunning',
        { timedOutAt, endsBy },
        `Attempt ${job.attempt} has been running for longer than its ${timeoutMs} ms; if its handler does not stop, the attempt is taken away at ${endsBy.toISOString()}.`,
        'If this stays, its handler blocks its process: restart that worker.',
      ),
    );
  }
  return found;
}

/** When it is failed for being too late, while it is not. */
export function ends({ expiresAt, deadlineAt, startedAt }: Job): ExplainReason[] {
  const found: ExplainReason[] = [];
  if (expiresAt !== null && startedAt === null) {
    const text = `It is failed unless it has started by ${expiresAt.toISOString()}.`;
    found.push(reason('expires', { at: expiresAt }, text));
  }
  if (deadlineAt !== null) {
    const text = `It is failed unless it has ended by ${deadlineAt.toISOString()}.`;
    found.push(reason('deadline', { at: deadlineAt }, text));
  }
  return found;
}

export function noLeader(): ExplainReason {
  return reason(
    'no_leader',
    {},
    'No process does the housekeeping: nothing is promoted, rescued or ended in time.',
    'Start one, a server or a worker: signalbox start',
  );
}

function enforcedAfter(at: Date): Date {
  return new Date(at.getTime() + enforcementGraceMs);
}
