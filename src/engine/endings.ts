import type { Queryable } from '../database/queryable.js';
import type { Hooks } from './hooks.js';
import type { JobReason } from './job.js';
import { lanesOfJobs } from './sql/lanes.js';
import type { RescuedJob } from './sql/rescue.js';

// Nothing is read while nobody listens.

/** Tells that these jobs ended without an outcome of an attempt. */
export async function tellEnded(
  db: Queryable,
  hooks: Hooks,
  ids: readonly string[],
  outcome: 'failed' | 'cancelled',
  reason: JobReason,
): Promise<void> {
  if (ids.length === 0 || !hooks.heard) return;
  for (const lane of await lanesOfJobs(db, ids)) hooks.jobsEnded(lane, outcome, reason, 1);
}

/** Tells what became of the jobs of dead workers. */
export async function tellRescued(
  db: Queryable,
  hooks: Hooks,
  rescued: readonly RescuedJob[],
): Promise<void> {
  if (rescued.length === 0 || !hooks.heard) return;
  const statuses = new Map(rescued.map(({ id, status }) => [id, status]));
  for (const lane of await lanesOfJobs(db, [...statuses.keys()])) {
    const status = statuses.get(lane.id);
    if (status === undefined) continue;
    hooks.jobRescued({ id: lane.id, queue: lane.queue, task: lane.task, status });
    if (status === 'queued') continue;
    hooks.jobsEnded(lane, status, status === 'failed' ? 'crashed' : 'cancelled', 1);
  }
}

/** Tells of attempts that were taken from live workers: those that have failed with it, and those that come again. */
export async function tellTimedOut(db: Queryable, hooks: Hooks, ids: readonly string[]): Promise<void> {
  if (ids.length === 0 || !hooks.heard) return;
  for (const lane of await lanesOfJobs(db, ids)) {
    if (lane.failed) hooks.jobsEnded(lane, 'failed', 'attempts_exhausted', 1);
    else hooks.attemptsTimedOut(lane, 1);
  }
}
