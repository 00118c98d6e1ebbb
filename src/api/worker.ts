import { z } from 'zod';
import type { WorkerInfo } from '../engine/job.js';

const time = z.iso.datetime();

export const workerSchema = z
  .object({
    id: z.string(),
    hostname: z.string(),
    pid: z.int(),
    queues: z.array(z.string()).nullable().describe('`null`: every queue'),
    tasks: z.array(z.string()),
    concurrency: z.int(),
    running: z.int(),
    status: z.enum(['running', 'draining']),
    live: z.boolean(),
    started_at: time,
    heartbeat_at: time,
    heartbeat_age_ms: z.number(),
  })
  .meta({ id: 'Worker' });

export function workerJson(worker: WorkerInfo, now: number): z.output<typeof workerSchema> {
  return {
    id: worker.id,
    hostname: worker.hostname,
    pid: worker.pid,
    queues: worker.queues && [...worker.queues],
    tasks: [...worker.tasks],
    concurrency: worker.concurrency,
    running: worker.running,
    status: worker.status,
    live: worker.live,
    started_at: worker.startedAt.toISOString(),
    heartbeat_at: worker.heartbeatAt.toISOString(),
    heartbeat_age_ms: Math.max(0, now - worker.heartbeatAt.getTime()),
  };
}
