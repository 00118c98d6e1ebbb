import type { JobError, JobReason } from '../engine/job.js';
import type { Lost } from '../engine/outcome.js';
import type { Outcome } from '../engine/sql/settle.js';

/** `released`: given back unfinished by a shutdown. `lost`: taken away meanwhile, so that nothing was recorded. */
export type AttemptOutcome = Outcome['kind'] | 'lost';

/** What the engine records of an attempt. */
export interface ToldOutcome {
  readonly outcome: AttemptOutcome;
  /** As it comes back from the database: JSON. `null` unless it succeeded. */
  readonly result: unknown;
  readonly error: JobError | null;
  readonly reason: JobReason | null;
  /** Milliseconds until the next attempt, when it was snoozed or is retried; otherwise `null`. */
  readonly delayMs: number | null;
  /** Why it was snoozed. */
  readonly message: string | null;
}

export function tell(outcome: Outcome | Lost): ToldOutcome {
  return {
    outcome: outcome.kind,
    result: outcome.kind === 'succeeded' ? JSON.parse(outcome.resultJson) : null,
    error: 'error' in outcome ? outcome.error : null,
    reason: 'reason' in outcome ? outcome.reason : null,
    delayMs: 'delayMs' in outcome ? outcome.delayMs : null,
    message: outcome.kind === 'snoozed' ? outcome.message : null,
  };
}
