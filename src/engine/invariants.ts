import type { Queryable } from '../database/queryable.js';
import { findViolations, type ViolationCode, type ViolationRow } from './sql/invariants.js';

/** Something in the database that no run of the engine should ever leave there. */
export interface Violation {
  readonly code: ViolationCode;
  /** One sentence that names what is affected. */
  readonly message: string;
  /** What to do. */
  readonly remedy: string;
  /** At most ten of the jobs. */
  readonly jobIds: readonly string[];
  /**
   * True: it also follows from a limit that was set while jobs ran. Housekeeping or the end of those jobs mends it;
   * it is a fault only when it stays.
   */
  readonly passing: boolean;
}

/** A dead worker's jobs are rescued within this time, milliseconds. */
const rescueMs = 15_000;

/**
 * Checks the invariants that `job.ts` documents, and those of limits, unique keys, counts and events, at one moment and
 * without a lock. It may run beside everything else; it reads every job once.
 * @returns what is wrong; empty when nothing is
 */
export async function checkInvariants(db: Queryable): Promise<Violation[]> {
  return (await findViolations(db, rescueMs)).map(toViolation);
}

function toViolation(row: ViolationRow): Violation {
  const { says, remedy } = meanings[row.code];
  const named = row.job_ids.join(', ');
  const more = row.count > row.job_ids.length ? ` and ${row.count - row.job_ids.length} more` : '';
  const jobs = row.job_ids.length === 0 ? '' : ` Jobs: ${named}${more}.`;
  const detail = row.detail === null ? '' : ` (${row.detail})`;
  return Object.freeze({
    code: row.code,
    message: `${says(row.subject)}${detail}.${jobs}`,
    remedy,
    jobIds: Object.freeze(row.job_ids),
    passing: isPassing(row),
  });
}

function isPassing({ code, subject }: ViolationRow): boolean {
  return (code === 'slot_unused' || code === 'limit_exceeded') && !subject.startsWith('key:');
}

const report = 'Report it with the output of this check: the engine must never leave this behind.';
const housekeeping = 'Run a process with housekeeping (any `signalbox start`): it mends this within seconds.';

interface Meaning {
  says(subject: string): string;
  readonly remedy: string;
}

const meanings: Readonly<Record<ViolationCode, Meaning>> = Object.freeze({
  job_in_two_places: {
    says: () => 'Jobs are both unfinished and ended',
    remedy: `${report} The row of signalbox.finished is the later one.`,
  },
  job_claimed_twice: {
    says: () => 'One run of a job is in two claims: it may have been done twice',
    remedy: report,
  },
  job_without_lane: {
    says: (lane) => `Jobs name lane ${lane}, which does not exist: nobody sees or claims them`,
    remedy: 'Insert the missing row of signalbox.lane with the queue and task that it had.',
  },
  job_without_input: {
    says: () => 'Jobs have lost their input: it is neither with them nor in signalbox.payload',
    remedy: 'Cancel them and enqueue them anew.',
  },
  running_job_held: {
    says: () => 'Jobs run and wait at once',
    remedy: report,
  },
  worker_dead: {
    says: (worker) => `Jobs belong to worker ${worker}, whose lease has ended, and nobody has rescued them`,
    remedy: housekeeping,
  },
  slot_missing: {
    says: (limiter) => `Running jobs are not counted by the limit ${limiter}: more than it allows may run`,
    remedy: 'Set the limit again: what runs is counted anew. A key is right again when these jobs end.',
  },
  slot_foreign: {
    says: (limiter) => `Running jobs are counted by the limit ${limiter}, which is not theirs`,
    remedy: 'Set the limit to none and back; a key is right again when these jobs end.',
  },
  slot_unused: {
    says: (limiter) => `The limit ${limiter} counts jobs that do not run: fewer than it allows can run`,
    remedy: housekeeping,
  },
  limit_exceeded: {
    says: (limiter) => `More jobs run than the limit ${limiter} allows`,
    remedy: 'Wait for them to end, when the limit was lowered meanwhile; else report it.',
  },
  wake_up_lost: {
    says: (limiter) => `Jobs wait for the limit ${limiter}, which has room, and no claim will look`,
    remedy: housekeeping,
  },
  tally_wrong: {
    says: (lane) => `The number of jobs of ${lane} is wrong`,
    remedy: `${report} Jobs run all the same; only counts and gauges are affected.`,
  },
  unique_key_stale: {
    says: (key) =>
      `The unique key "${key}" is held by a job that should not hold it: new jobs with it are refused`,
    remedy: 'Delete the row of signalbox.unique_key that names the job.',
  },
  events_broken: {
    says: () => 'The numbers of events have gaps',
    remedy: `${report} Jobs run all the same.`,
  },
  attempt_went_back: {
    says: () =>
      'The number of an attempt went back: an outcome that came late may have been taken for a new one',
    remedy: report,
  },
});
