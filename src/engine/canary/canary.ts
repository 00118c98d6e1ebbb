import { z } from 'zod';
import { defaultBackoff } from '../../foundation/backoff.js';
import type { Task } from '../task.js';

/** Name of the engine's own task. It is in no list of jobs, no count and no statistics. */
export const canaryTaskName = 'signalbox.canary';

const prefix = `${canaryTaskName}:`;

/**
 * Canaries of a queue wait in a lane of their own beside it. So no limit, rate or backlog of the queue holds them up,
 * and they use none of its slots.
 */
export function canaryQueue(queue: string): string {
  return `${prefix}${queue}`;
}

export function isCanaryQueue(queue: string): boolean {
  return queue.startsWith(prefix);
}

/** Made here, because its queue's name is longer than those that users may give. */
export function canaryTask(queue: string): Task {
  return Object.freeze({
    name: canaryTaskName,
    queue: canaryQueue(queue),
    input: z.strictObject({}),
    priority: 0,
    maxAttempts: 1,
    timeoutMs: 10_000,
    backoff: defaultBackoff,
    maxRunning: undefined,
    rate: undefined,
    concurrency: undefined,
    unique: undefined,
    classify: undefined,
    open: undefined,
    run: async () => undefined,
  });
}

/** What became of a canary. Told in the process that leads. */
export interface CanaryEnd {
  readonly queue: string;
  /** False: no worker took it before the next one was due. */
  readonly answered: boolean;
  /** From its enqueue to its recorded end, by the database's clock, milliseconds; `null` without an answer. */
  readonly latencyMs: number | null;
}

/** The canary of one queue. */
export interface Canary {
  readonly queue: string;
  readonly sentAt: Date;
  /** The last one that was sent has not ended. */
  readonly pending: boolean;
  /** End of the last one that was answered, and how long that took from its enqueue, milliseconds. */
  readonly answeredAt: Date | null;
  readonly latencyMs: number | null;
  /** Those without an answer since then, although a worker was there for them. */
  readonly unanswered: number;
  readonly unansweredSince: Date | null;
}
