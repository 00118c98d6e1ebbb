import { z } from 'zod';
import type { WorkerInfo } from '../../engine/job.js';
import type { SharedRead } from '../../health/shared-read.js';
import type { Work } from '../../health/work.js';
import { count, measuredAt, milliseconds } from '../measured.js';

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
    queued: count,
    scheduled: count,
    retrying: count,
    processing: count,
    oldest_waiting_ms: milliseconds
      .nullable()
      .describe('How long the first job that could be claimed has been ready; `null`: none is'),
    workers: count.describe('Live workers that serve it'),
    paused: z.boolean(),
    measured_at: measuredAt,
  })
  .meta({ id: 'QueueCounts' });

export const queuesSchema = z.record(z.string(), queueSchema);
export type Queues = z.output<typeof queuesSchema>;

/** `undefined` when it cannot be known now: the checks of the same moment say why. */
export async function workIfKnown(work: SharedRead<Work>): Promise<Work | undefined> {
  return work.get().catch(() => undefined);
}

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
  // A map: a queue may be named like a member that every object has.
  const queues = new Map<string, Queues[string]>();
  const serving = (queue: string) =>
    workers.filter(({ live, queues: served }) => live && (served === null || served.includes(queue))).length;
  for (const { queue, counts, oldestWaitingMs } of lanes) {
    const before = queues.get(queue);
    const oldest = [before?.oldest_waiting_ms, oldestWaitingMs].filter((ms) => typeof ms === 'number');
    queues.set(queue, {
      queued: (before?.queued ?? 0) + counts.queued,
      scheduled: (before?.scheduled ?? 0) + counts.scheduled,
      retrying: (before?.retrying ?? 0) + counts.retrying,
      processing: (before?.processing ?? 0) + counts.processing,
      oldest_waiting_ms: oldest.length === 0 ? null : Math.max(...oldest),
      workers: serving(queue),
      paused: pausedQueues.has(queue),
      measured_at: at.toISOString(),
    });
  }
  return Object.fromEntries(queues);
}
