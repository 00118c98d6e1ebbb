import type { AbortReason } from '../foundation/abort.js';
import { backoffDelayMs } from '../foundation/backoff.js';
import type { ClaimedJob } from './claimed.js';
import { problemsOf } from './enqueue.js';
import { describeFailure, PermanentError, RateLimited, Snooze, storableText } from './failure.js';
import { storableJson } from './json.js';
import type { Outcome } from './sql/settle.js';
import type { Task, Verdict } from './task.js';

/** The attempt is no longer ours: whatever came of it is not recorded. */
export interface Lost {
  readonly kind: 'lost';
}

type AttemptOf = Pick<ClaimedJob, 'attempt' | 'failures' | 'maxAttempts'>;

const nothing: Outcome = Object.freeze({ kind: 'succeeded', resultJson: 'null' });
const lost: Lost = Object.freeze({ kind: 'lost' });

/** @throws PermanentError: an input that does not fit now never will */
export function parseInput(task: Task, input: unknown): unknown {
  const parsed = task.input.safeParse(input);
  if (parsed.success) return parsed.data;
  const problems = problemsOf(parsed.error, 'input').map(({ field, message }) => `${field} ${message}`);
  throw new PermanentError(`The input does not fit the task: ${problems.join('; ')}`);
}

/**
 * What came of an attempt whose handler returned. Work that was done counts as done, even when somebody wanted it
 * stopped a moment earlier.
 */
export function outcomeOfValue(
  job: AttemptOf,
  task: Task,
  value: unknown,
  aborted: AbortReason | undefined,
): Outcome | Lost {
  if (aborted?.kind === 'lease_lost') return lost;
  if (value === undefined || value === null) return nothing;
  const json = storableJson(value);
  if (json.ok) return { kind: 'succeeded', resultJson: json.text };
  return failure(job, task, new PermanentError(`The result ${json.path} ${json.problem}.`), 'error');
}

/**
 * What came of an attempt whose handler threw, or ignored its signal until it was left behind. `aborted` is why the
 * signal fired, when it did: what a handler throws after that is of no account.
 */
export function outcomeOfError(
  job: AttemptOf,
  task: Task,
  thrown: unknown,
  aborted: AbortReason | undefined,
  onClassifierError: (error: unknown) => void,
): Outcome | Lost {
  switch (aborted?.kind) {
    case 'lease_lost':
      return lost;
    case 'cancelled':
      return { kind: 'cancelled' };
    case 'shutdown':
      return { kind: 'released', begun: true };
    case 'deadline':
    case 'timeout':
      return failure(job, task, aborted, aborted.kind);
    default:
      return failure(
        job,
        task,
        thrown,
        'error',
        classified(task, thrown, job.failures + 1, onClassifierError),
      );
  }
}

function failure(
  job: AttemptOf,
  task: Task,
  thrown: unknown,
  reason: 'timeout' | 'deadline' | 'error',
  wanted?: Verdict,
): Outcome {
  if (thrown instanceof Snooze) {
    return {
      kind: 'snoozed',
      reason: thrown instanceof RateLimited ? 'rate_limited' : 'snoozed',
      delayMs: thrown.delayMs,
      message: storableText(thrown.message, 200),
    };
  }
  const described = describeFailure(thrown, job.attempt);
  const error = reason === 'error' ? described : { ...described, type: reason };
  const failures = job.failures + 1;
  if (reason === 'deadline') return { kind: 'failed', reason, error };
  const verdict = reason === 'error' ? (wanted ?? (error.retryable ? 'retry' : 'fail')) : 'retry';
  if (verdict === 'fail') return { kind: 'failed', reason: 'permanent_error', error };
  if (failures >= job.maxAttempts) return { kind: 'failed', reason: 'attempts_exhausted', error };
  const delayMs = verdict === 'retry' ? backoffDelayMs(task.backoff, failures) : verdict.retryInMs;
  return { kind: 'retrying', reason, error, delayMs };
}

/** A classifier that throws, or answers with no delay at all, leaves the error to the rule. */
function classified(
  task: Task,
  thrown: unknown,
  failures: number,
  onError: (error: unknown) => void,
): Verdict | undefined {
  if (thrown instanceof Snooze) return undefined;
  try {
    const verdict = task.classify?.(thrown, failures);
    return typeof verdict === 'object' && !Number.isFinite(verdict.retryInMs) ? undefined : verdict;
  } catch (error) {
    onError(error);
    return undefined;
  }
}
