import type { Job } from '../job.js';
import { maxAhead, type WaitFacts } from '../sql/explain.js';
import { count, type ExplainReason, reason } from './reason.js';

/** No live worker could run it. */
export function missingWorker({ queue, task }: Job, { workers }: WaitFacts): ExplainReason[] {
  const { able, withoutTask, withoutQueue, draining, lastSeenAt } = workers;
  if (able > 0) return [];
  const start = startCommand(queue);
  if (withoutTask > 0) {
    return [
      reason(
        'no_worker_for_task',
        { queue, task, workers: withoutTask },
        `${count(withoutTask, 'live worker')} ${withoutTask === 1 ? 'serves' : 'serve'} queue "${queue}", but none knows the task "${task}".`,
        'Deploy the code that defines the task to the workers.',
      ),
    ];
  }
  if (draining > 0) {
    const message = `Every worker for queue "${queue}" is shutting down.`;
    return [reason('workers_draining', { queue, workers: draining }, message, start)];
  }
  if (withoutQueue > 0) {
    const message = `No live worker serves queue "${queue}"; those there are serve others.`;
    return [reason('no_worker_for_queue', { queue }, message, start)];
  }
  const seen = lastSeenAt === null ? '' : ` The last one was heard from at ${lastSeenAt.toISOString()}.`;
  return [
    reason('no_worker', { queue, lastSeenAt }, `No live worker serves queue "${queue}".${seen}`, start),
  ];
}

/** Every slot of the workers that could run it is taken. */
export function busySlots({ workers, ahead }: WaitFacts): ExplainReason[] {
  const { able, slots, free } = workers;
  if (able === 0 || free > 0) return [];
  return [
    reason(
      'slots_busy',
      { slots, workers: able, ahead: ahead.queue },
      `All ${slots} slots of the ${count(able, 'worker')} that can run it are busy; ${comesAfter(ahead.queue)}.`,
      'To run more at once: start another worker, or raise SIGNALBOX_CONCURRENCY.',
    ),
  ];
}

/** Where it stands in its queue. */
export function comesAfter(ahead: number): string {
  if (ahead === 0) return 'it is the first in its queue';
  return `${ahead >= maxAhead ? '1,000 or more' : ahead} in its queue come before it`;
}

/** What starts a worker for a queue. */
export function startCommand(queue: string): string {
  return `signalbox start --worker --queues ${queue}`;
}
