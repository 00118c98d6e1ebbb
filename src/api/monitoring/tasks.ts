import { z } from 'zod';
import type { Engine } from '../../engine/engine.js';
import type { WorkerInfo } from '../../engine/job.js';
import type { ClaimedInfo, ComingInfo, LaneCounts, TaskSample } from '../../engine/sql/snapshot.js';
import { addUpBy, jobCountsShape, oldestWaitingMs } from '../job-counts.js';
import { count, measuredAt, milliseconds } from '../measured.js';
import { workerJson, workerSchema } from '../worker.js';

/** Most claimed jobs, and most of those that wait for their time, in one answer. */
const mostJobs = 1_000;
/** Newest ended jobs on which durations and success rest. */
const sampleSize = 1_000;

const time = z.iso.datetime();
const jobShape = { id: z.uuid(), task: z.string(), queue: z.string(), attempt: z.int() };
const claimedSchema = z.object({ ...jobShape, claimed_at: time }).meta({ id: 'ClaimedJob' });
const comingSchema = z
  .object({ ...jobShape, status: z.enum(['scheduled', 'retrying']), run_at: time })
  .meta({ id: 'ComingJob' });

const taskSchema = z
  .object({
    ...jobCountsShape,
    oldest_waiting_ms: oldestWaitingMs,
    sample: z
      .object({
        judged: count.describe('Jobs of it that succeeded or failed'),
        success_ratio: z.number().min(0).max(1),
        timed: count.describe('Jobs of it that succeeded: their last attempt is timed'),
        mean_ms: milliseconds.nullable(),
        p95_ms: milliseconds.nullable(),
        since: time.describe('End of the oldest of them'),
      })
      .nullable()
      .describe(`Among the newest ${sampleSize} ended jobs of all tasks; \`null\`: none is of this task`),
  })
  .meta({ id: 'TaskStatistics' });

export const tasksSchema = z
  .object({
    measured_at: measuredAt,
    workers: z.array(z.string()).describe('Ids of the live workers'),
    active_tasks: z
      .record(z.string(), z.array(claimedSchema))
      .describe(`By worker: what its slots do; at most ${mostJobs} claimed jobs in all`),
    reserved_tasks: z
      .record(z.string(), z.array(claimedSchema))
      .describe('By worker: what it has claimed beyond its slots'),
    scheduled_tasks: z
      .record(z.string(), z.array(comingSchema))
      .describe(`By queue, because no worker holds them: the next ${mostJobs} jobs that wait for their time`),
    worker_stats: z
      .record(z.string(), workerSchema)
      .describe('Lost workers too, until their jobs are rescued'),
    registered_tasks: z.array(z.string()).describe('Tasks that a live worker can run'),
    task_stats: z.record(z.string(), taskSchema),
  })
  .meta({ id: 'TaskMonitor' });
export type TaskMonitor = z.output<typeof tasksSchema>;

/** Holds no inputs, results or errors of jobs: they are for `GET /jobs/:id`, with its own permission. */
export async function readTasks(engine: Engine): Promise<TaskMonitor> {
  const workers = await engine.workers();
  const claimed = await engine.jobs.claimed(mostJobs);
  const coming = await engine.jobs.coming(mostJobs);
  const lanes = await engine.jobs.lanes();
  const samples = await engine.jobs.sample(sampleSize);
  const now = Date.now();
  const live = workers.filter((worker) => worker.live);
  return {
    measured_at: new Date(now).toISOString(),
    workers: live.map(({ id }) => id),
    ...claimedJson(workers, claimed),
    scheduled_tasks: grouped(coming, ({ queue }) => queue, comingJson),
    worker_stats: Object.fromEntries(workers.map((worker) => [worker.id, workerJson(worker, now)])),
    registered_tasks: [...new Set(live.flatMap(({ tasks }) => tasks))].sort(),
    task_stats: taskStats(lanes, samples),
  };
}

/** A worker begins what it claimed in that order, so what its slots do comes first. */
function claimedJson(workers: readonly WorkerInfo[], claimed: readonly ClaimedInfo[]) {
  const jobs = grouped(claimed, ({ workerId }) => workerId, claimedJobJson);
  const slots = new Map(workers.map(({ id, concurrency }) => [id, concurrency]));
  // Every worker stands in both, an idle one with nothing.
  const ids = [...new Set([...slots.keys(), ...Object.keys(jobs)])];
  const part = (from: (id: string) => number, to: (id: string) => number | undefined) =>
    Object.fromEntries(ids.map((id) => [id, (jobs[id] ?? []).slice(from(id), to(id))]));
  const width = (id: string) => slots.get(id) ?? 0;
  return {
    active_tasks: part(
      () => 0,
      (id) => width(id),
    ),
    reserved_tasks: part(
      (id) => width(id),
      () => undefined,
    ),
  };
}

function claimedJobJson({
  id,
  task,
  queue,
  attempt,
  claimedAt,
}: ClaimedInfo): z.output<typeof claimedSchema> {
  return { id, task, queue, attempt, claimed_at: claimedAt.toISOString() };
}

function comingJson({ id, task, queue, attempt, status, runAt }: ComingInfo): z.output<typeof comingSchema> {
  return { id, task, queue, attempt, status, run_at: runAt.toISOString() };
}

function grouped<Item, Json>(
  items: readonly Item[],
  keyOf: (item: Item) => string,
  json: (item: Item) => Json,
): Record<string, Json[]> {
  // A map: a queue or a task may be named like a member that every object has.
  const groups = new Map<string, Json[]>();
  for (const item of items) {
    const group = groups.get(keyOf(item)) ?? [];
    group.push(json(item));
    groups.set(keyOf(item), group);
  }
  return Object.fromEntries(groups);
}

type TaskStats = z.output<typeof taskSchema>;

function taskStats(lanes: readonly LaneCounts[], samples: readonly TaskSample[]): Record<string, TaskStats> {
  const sampled = new Map(samples.map((sample) => [sample.task, sampleJson(sample)]));
  const stats = [...addUpBy(lanes, 'task')].map(([task, { counts, oldestWaitingMs: oldest }]) => [
    task,
    { ...counts, oldest_waiting_ms: oldest, sample: sampled.get(task) ?? null },
  ]);
  return Object.fromEntries(stats);
}

function sampleJson({
  judged,
  succeeded,
  meanMs,
  p95Ms,
  since,
}: TaskSample): NonNullable<TaskStats['sample']> {
  return {
    judged,
    success_ratio: succeeded / judged,
    timed: succeeded,
    mean_ms: meanMs,
    p95_ms: p95Ms,
    since: since.toISOString(),
  };
}
