import { z } from 'zod';
import type { WorkFinding } from '../engine/findings.js';

/** Accepted work that nobody does. */
export const findingSchema = z
  .object({
    code: z.string(),
    queue: z.string(),
    tasks: z.array(z.string()),
    waiting: z.int(),
    oldest_waiting_ms: z.number(),
    message: z.string(),
    remedy: z.string().describe('The command that mends it'),
  })
  .meta({ id: 'WorkFinding' });

export function findingJson(finding: WorkFinding): z.output<typeof findingSchema> {
  const { code, queue, tasks, waiting, oldestWaitingMs, message, remedy } = finding;
  return { code, queue, tasks: [...tasks], waiting, oldest_waiting_ms: oldestWaitingMs, message, remedy };
}
