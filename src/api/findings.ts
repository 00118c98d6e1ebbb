import { z } from 'zod';
import { findingCodes, type WorkFinding } from '../engine/findings/findings.js';

/** Accepted work that nobody does. */
export const findingSchema = z
  .object({
    code: z.enum(findingCodes),
    queue: z.string().nullable().describe('`null`: more than one'),
    tasks: z.array(z.string()),
    schedule: z.string().nullable(),
    waiting: z.int().describe('How many jobs'),
    since: z.iso.datetime().nullable().describe('`null`: not known'),
    oldest_waiting_ms: z.number().nullable(),
    message: z.string(),
    remedy: z.string().describe('What mends it: a command, or a sentence that may end in one'),
  })
  .meta({ id: 'WorkFinding' });

export function findingJson(finding: WorkFinding): z.output<typeof findingSchema> {
  const { code, queue, tasks, schedule, waiting, since, oldestWaitingMs, message, remedy } = finding;
  return {
    code,
    queue,
    tasks: [...tasks],
    schedule,
    waiting,
    since: since?.toISOString() ?? null,
    oldest_waiting_ms: oldestWaitingMs,
    message,
    remedy,
  };
}
