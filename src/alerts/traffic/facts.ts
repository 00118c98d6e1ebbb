import type { Queryable } from '../../database/queryable.js';
import { historyState } from '../../history/store/keep.js';
import {
  type JobWindow,
  jobWindows,
  type RequestWindow,
  requestWindows,
} from '../../history/store/windows.js';

export const minuteMs = 60_000;

/** Windows that the rules look back over: five and fifteen minutes, an hour. */
const windowsMs = [5, 15, 60].map((minutes) => minutes * minuteMs);

/** What ended and was answered lately, as the history has it. */
export interface TrafficFacts {
  /** How old the history is, milliseconds; `null`: there is none yet. */
  readonly ageMs: number | null;
  readonly jobs: readonly JobWindow[];
  readonly requests: readonly RequestWindow[];
}

export async function readTraffic(db: Queryable): Promise<TrafficFacts> {
  const [{ ageMs }, jobs, requests] = await Promise.all([
    historyState(db),
    jobWindows(db, windowsMs, { fallback: 0, queues: new Map() }),
    requestWindows(db, windowsMs),
  ]);
  return Object.freeze({ ageMs, jobs, requests });
}
