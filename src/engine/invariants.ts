import type { Queryable } from '../database/queryable.js';
import { findViolations } from './sql/invariants.js';

/** Something that the engine promises and the database contradicts. */
export interface Violation {
  readonly code: 'job_in_two_places' | 'worker_dead' | 'slot_unused' | 'tally_wrong';
  readonly message: string;
  /** What to do, one sentence or a command. */
  readonly remedy: string;
}

/** A dead worker's jobs are rescued within 15 s; a claim of nobody is only a fault after that. */
const rescueGraceMs = 15_000;

const words = {
  job_in_two_places: {
    message: (n: number) => `${jobs(n)} both unfinished and ended.`,
    remedy: 'Keep the database as it is and report this: no move of the engine leaves a job in two places.',
  },
  worker_dead: {
    message: (n: number) => `${jobs(n)} claimed by workers that are gone, and nobody has rescued them.`,
    remedy: 'Start a process that can lead, and it rescues them within seconds: signalbox start',
  },
  slot_unused: {
    message: (n: number) =>
      `${n} ${n === 1 ? 'slot of a limit is' : 'slots of limits are'} held by jobs that do not run.`,
    remedy: 'The leader gives them back within seconds. If this stays, no process leads: signalbox start',
  },
  tally_wrong: {
    message: (n: number) => `${n} ${n === 1 ? 'number' : 'numbers'} of the tally differ from what is there.`,
    remedy:
      'The counts that are shown are wrong, the jobs are not. Keep the database as it is and report this.',
  },
} as const satisfies Record<Violation['code'], { message: (n: number) => string; remedy: string }>;

/** Compares what is in the database with what must hold there. Reads every job once: not for every second. */
export async function checkInvariants(db: Queryable): Promise<Violation[]> {
  const found = await findViolations(db, rescueGraceMs);
  return found.map(({ code, count }) => {
    const { message, remedy } = words[code];
    return Object.freeze({ code, message: message(count), remedy });
  });
}

function jobs(n: number): string {
  return n === 1 ? '1 job is' : `${n} jobs are`;
}
