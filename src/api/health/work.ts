import { z } from 'zod';
import type { WorkerInfo } from '../../engine/job.js';
import type { Work } from '../../health/work.js';
import { addUpBy, oldestWaitingMs, unfinishedJson, unfinishedShape } from '../job-counts.js';
import { count, measuredAt } from '../measured.js';

export const workersSchema = z
  .object({
    live: count.describe('Workers whose lease is valid'),
    draining: count.describe('Live ones that take no more jobs'),
    lost: count.describe('Those whose lease ended and whose jobs are about to be rescued'),
    slots: count.describe('Jobs that the live ones may run at once'),
    busy: count.describe(
      'Jobs that they have claimed; may exceed `slots`, because quick jobs are claimed ahead',
    ),
    measured_at: measuredAt,
  })
  .meta({ id: 'WorkerCounts' });

const queueSchema = z
  .object({
    ...unfinishedShape,
    oldest_waiting_ms: oldestWaitingMs,
    workers: count.describe('Live workers that serve it'),
    paused: z.boolean(),
    measured_at: measuredAt,
  })
  .meta({ id: 'QueueCounts' });

export const queuesSchema = z.record(z.string(), queueSchema);
export type Queues = z.output<typeof queuesSchema>;

export function workersJson({ workers, at }: Work): z.output<typeof workersSchema> {
  const live = workers.filter((worker) => worker.live);
  const sum = (of: (worker: WorkerInfo) => number) => live.reduce((total, worker) => total + of(worker), 0);
  return {
    live: live.length,
    draining: live.filter(({ status }) => status === 'draining').length,
    lost: workers.length - live.length,
    slots: sum(({ concurrency }) => concurrency),
    busy: sum(({ running }) => running),
    measured_at: at.toISOString(),
  };
}

export function queuesJson({ lanes, workers, pausedQueues, at }: Work): Queues {
  const serving = (queue: string) =>
    workers.filter(({ live, queues: served }) => live && (served === null || served.includes(queue))).length;
  const queues = [...addUpBy(lanes, 'queue')].map(([queue, { counts, oldestWaitingMs: oldest }]) => [
    queue,
    {
      ...unfinishedJson(counts),
      oldest_waiting_ms: oldest,
      workers: serving(queue),
      paused: pausedQueues.has(queue),
      measured_at: at.toISOString(),
    },
  ]);
  return Object.fromEntries(queues);
}
