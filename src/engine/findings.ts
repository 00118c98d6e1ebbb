import type { Queryable } from '../database/queryable.js';
import { formatDuration } from '../foundation/time.js';
import { startCommand } from './explain.js';
import { orphanedQueues, type UnservedRow, unservedQueues } from './sql/facts.js';

/** Accepted work that nobody does: a queue, since when, and the command that mends it. */
export interface WorkFinding {
  readonly code: 'no_live_worker' | 'worker_lost';
  readonly queue: string;
  readonly tasks: readonly string[];
  /** How many jobs. */
  readonly waiting: number;
  readonly oldestWaitingMs: number;
  readonly message: string;
  readonly remedy: string;
}

/** A dead worker's jobs are rescued within 15 s; only what is left after that is worth an alarm. */
const rescueGraceMs = 15_000;

export async function findStuckWork(db: Queryable): Promise<WorkFinding[]> {
  const unserved = await unservedQueues(db);
  const orphaned = await orphanedQueues(db, rescueGraceMs);
  return [...unserved.map(noLiveWorker), ...orphaned.map(workerLost)];
}

function noLiveWorker(row: UnservedRow): WorkFinding {
  const jobs = row.waiting === 1 ? '1 job is' : `${row.waiting} jobs are`;
  const age = formatDuration(Math.max(row.oldest_ms, 0));
  return Object.freeze({
    code: 'no_live_worker',
    ...facts(row),
    message: `${jobs} waiting in queue "${row.queue}" (the oldest for ${age}) and no live worker can run ${row.tasks.join(', ')}.`,
    remedy: startCommand(row.queue),
  });
}

function workerLost(row: UnservedRow): WorkFinding {
  return Object.freeze({
    code: 'worker_lost',
    ...facts(row),
    message: `${row.waiting} running in queue "${row.queue}" belong to a dead worker and nobody has rescued them.`,
    remedy: 'signalbox start',
  });
}

function facts(row: UnservedRow) {
  return {
    queue: row.queue,
    tasks: row.tasks,
    waiting: row.waiting,
    oldestWaitingMs: Math.max(row.oldest_ms, 0),
  };
}
