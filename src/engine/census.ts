import type { Queryable } from '../database/queryable.js';
import type { StuckWork, WorkFinding } from './findings/findings.js';
import { type JobStatus, jobStatuses, type WorkerInfo } from './job.js';
import { countLanes, countServing, type LaneCount, readQueueAges, readSchedules } from './sql/census.js';
import { type Gate, listGates } from './sql/gates.js';
import { readLeader } from './sql/leader.js';
import { listWorkers } from './sql/workers.js';

/** One queue at one moment. Ages are milliseconds; `null`: there is no such job. */
export interface QueueCensus {
  readonly queue: string;
  readonly jobs: Readonly<Record<JobStatus, number>>;
  /** Queued jobs that no live worker can do. */
  readonly unserved: number;
  /** Live workers that take jobs of it. */
  readonly workers: number;
  /** How long the oldest job has been ready and not started; jobs that wait for a slot of their key are left out. */
  readonly waitingMs: number | null;
  readonly runningMs: number | null;
  /** How far the attempt that is furthest over its time-out is over it; 0 when none is. */
  readonly overrunMs: number | null;
}

export interface ScheduleCensus {
  readonly name: string;
  /** `null`: it rests, or no slot comes any more. */
  readonly nextRunAt: Date | null;
  /** When a job of it last succeeded, as far as such a job is still kept. */
  readonly lastSuccessAt: Date | null;
  /** Failed tries to enqueue since the last one that worked. */
  readonly failures: number;
}

/** What there is in the whole system, read from the database: the same wherever it is asked for. */
export interface Census {
  readonly queues: readonly QueueCensus[];
  /** Names of all tasks that ever had a job, or are known to a process that started. */
  readonly tasks: readonly string[];
  readonly gates: readonly Gate[];
  readonly workers: readonly WorkerInfo[];
  readonly schedules: readonly ScheduleCensus[];
  /** Whether some process does the housekeeping. */
  readonly led: boolean;
  /** Accepted work that nobody does. */
  readonly findings: readonly WorkFinding[];
}

/** One statement after the other, on one connection at a time: numbers of two of them may be moments apart. */
export async function takeCensus(db: Queryable, stuckWork: StuckWork): Promise<Census> {
  const lanes = await countLanes(db);
  const serving = new Map((await countServing(db)).map(({ queue, workers }) => [queue, workers]));
  const ages = new Map((await readQueueAges(db)).map((row) => [row.queue, row]));
  const gates = await listGates(db);
  const workers = await listWorkers(db);
  const schedules = await readSchedules(db);
  const led = (await readLeader(db)) !== undefined;
  const findings = await stuckWork.find();
  const byQueue = new Map<string, LaneCount[]>();
  for (const lane of lanes) {
    const own = byQueue.get(lane.queue);
    if (own === undefined) byQueue.set(lane.queue, [lane]);
    else own.push(lane);
  }
  const queues = [...byQueue].map(([queue, own]): QueueCensus => {
    const age = ages.get(queue);
    return Object.freeze({
      queue,
      jobs: jobsOf(own),
      unserved: own.reduce((jobs, lane) => (lane.able === 0 ? jobs + queuedOf(lane) : jobs), 0),
      workers: serving.get(queue) ?? 0,
      waitingMs: age?.waiting_ms ?? null,
      runningMs: age?.running_ms ?? null,
      overrunMs: age?.overrun_ms ?? null,
    });
  });
  return Object.freeze({
    queues,
    tasks: [...new Set(lanes.map(({ task }) => task))],
    gates,
    workers,
    schedules: schedules.map((row) =>
      Object.freeze({
        name: row.name,
        nextRunAt: row.next_slot,
        lastSuccessAt: row.succeeded_at,
        failures: row.failures,
      }),
    ),
    led,
    findings,
  });
}

function jobsOf(lanes: readonly LaneCount[]): Readonly<Record<JobStatus, number>> {
  const count = (status: JobStatus): number => {
    if (status === 'queued') return sum(lanes, queuedOf);
    return status === 'blocked' ? 0 : sum(lanes, (lane) => lane[status]);
  };
  const counts = Object.fromEntries(jobStatuses.map((status) => [status, count(status)]));
  return Object.freeze(counts as Record<JobStatus, number>);
}

function queuedOf({ live, scheduled, retrying, processing }: LaneCount): number {
  return Math.max(live - scheduled - retrying - processing, 0);
}

function sum(lanes: readonly LaneCount[], of: (lane: LaneCount) => number): number {
  return lanes.reduce((total, lane) => total + of(lane), 0);
}
