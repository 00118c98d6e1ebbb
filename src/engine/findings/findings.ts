import type { Queryable } from '../../database/queryable.js';
import { formatDuration } from '../../foundation/time.js';
import { canaryTaskName } from '../canary/canary.js';
import { enforcementGraceMs } from '../grace.js';
import { silentCanaries } from '../sql/canary.js';
import {
  ailingSchedules,
  type Leadership,
  lateJobs,
  orphanedJobs,
  overrunJobs,
  readLeadership,
  type WaitingLane,
  waitingLanes,
} from '../sql/findings.js';
import type { FindingCode } from './codes.js';
import { Sightings } from './sightings.js';
import {
  type Ailment,
  attemptOverrun,
  canaryUnanswered,
  jobsNotPromoted,
  noLeader,
  notTaken,
  scheduleStuck,
  unserved,
  workerLost,
} from './words.js';

export { type FindingCode, findingCodes } from './codes.js';

/** Accepted work that nobody does: where, since when, and what mends it. What is paused waits for a person, rightly. */
export interface WorkFinding {
  readonly code: FindingCode;
  /** `null`: it is about more than one queue. */
  readonly queue: string | null;
  readonly tasks: readonly string[];
  readonly schedule: string | null;
  /** How many jobs. */
  readonly waiting: number;
  /** `null`: not known. */
  readonly since: Date | null;
  readonly oldestWaitingMs: number | null;
  readonly message: string;
  /** A command, or a sentence that may end in one. */
  readonly remedy: string;
}

/** A dead worker's jobs are rescued within 15 s; only what is left after that is worth an alarm. */
const rescueGraceMs = 15_000;
/** Jobs are promoted within a second. */
const promotionGraceMs = 15_000;
/** A leader that died is followed by the next one after seconds. */
const leaderGraceMs = 15_000;
const scheduleGraceMs = 60_000;
/** Canaries are answered in milliseconds, unless a process is blocked. */
const canaryGraceMs = 30_000;
/** For how long a job may wait while slots are free, and how long the same job must be seen to stand in front. */
const waitTargetMs = 30_000;
const standstillMs = 5_000;

/** Looks for work that nobody does. What one look cannot tell from a moment's rest needs two, so it remembers. */
export class StuckWork {
  readonly #db: Queryable;
  readonly #heads: Sightings;
  readonly #vacancy: Sightings;

  /** `now`: milliseconds of a steady clock. */
  constructor(db: Queryable, now: () => number = () => performance.now()) {
    this.#db = db;
    this.#heads = new Sightings(now);
    this.#vacancy = new Sightings(now);
  }

  /** The worst first. Empty: every job whose time has come is being taken care of. */
  async find(): Promise<WorkFinding[]> {
    const db = this.#db;
    const leadership = await readLeadership(db);
    const lanes = await waitingLanes(db, waitTargetMs);
    const ailments = [
      ...unserved(lanes),
      ...(await orphanedJobs(db, rescueGraceMs)).map(workerLost),
      ...this.#leaderless(leadership),
      ...notTaken(this.#standing(lanes, leadership.now)),
      ...(await overrunJobs(db, enforcementGraceMs + rescueGraceMs)).map(attemptOverrun),
      ...(await lateJobs(db, promotionGraceMs)).map(jobsNotPromoted),
      ...(await silentCanaries(db, canaryTaskName, canaryGraceMs)).map(canaryUnanswered),
      ...(await ailingSchedules(db, scheduleGraceMs)).map(scheduleStuck),
    ];
    return ailments.map((ailment) => told(ailment, leadership.now));
  }

  /** Lanes that do not move although there are slots for their first job. */
  #standing(lanes: readonly WaitingLane[], now: Date): WaitingLane[] {
    const stuck = lanes.filter(({ able, free, open, head, since }) => {
      const waits = since !== null && now.getTime() - since.getTime() >= waitTargetMs;
      return able > 0 && free > 0 && open && head !== null && waits;
    });
    const heads = stuck.flatMap(({ head }) => head ?? []);
    const lasting = this.#heads.lasting(heads, standstillMs);
    return stuck.filter(({ head }) => head !== null && lasting.has(head));
  }

  /** A leader that resigned leaves no row, so only time can tell that nobody follows. */
  #leaderless(leadership: Leadership): Ailment[] {
    const { leaseUntil, now, jobs, schedules } = leadership;
    const over = leaseUntil === null || leaseUntil <= now;
    const seen = this.#vacancy.lasting(over ? [vacant] : [], leaderGraceMs).has(vacant);
    const known = leaseUntil !== null && now.getTime() - leaseUntil.getTime() >= leaderGraceMs;
    return (seen || (over && known)) && jobs + schedules > 0 ? [noLeader(leadership)] : [];
  }
}

const vacant = 'vacant';

function told(ailment: Ailment, now: Date): WorkFinding {
  const { code, queue = null, tasks = [], schedule = null, jobs = 0, since, say, remedy } = ailment;
  const oldestWaitingMs = since === null ? null : Math.max(now.getTime() - since.getTime(), 0);
  const message = say(oldestWaitingMs === null ? null : formatDuration(oldestWaitingMs));
  return Object.freeze({
    code,
    queue,
    tasks,
    schedule,
    waiting: jobs,
    since,
    oldestWaitingMs,
    message,
    remedy,
  });
}
