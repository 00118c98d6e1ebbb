import type { Queryable } from '../../database/queryable.js';
import type { EnqueueOptions } from '../enqueue.js';
import { inputFor } from './definition.js';
import { setFiringJob } from './firing-store.js';
import type { FiringRow, ScheduleRow } from './row.js';

/** Writes a job in the transaction that it is given, or throws. */
export type EnqueueInto = (
  tx: Queryable,
  job: { readonly task: string; readonly input: unknown; readonly options: EnqueueOptions },
) => Promise<{ readonly id: string }>;

/** Which of these jobs exist and have not ended. */
export type Unfinished = (tx: Queryable, ids: readonly string[]) => Promise<ReadonlySet<string>>;

/** Jobs of which a schedule remembers that they may be under way. `skip` and `wait` have one, and those run by hand. */
const maxOpenJobs = 20;

/**
 * Enqueues the job of a firing row that this transaction has inserted. Both are durable, or neither.
 * @returns the id of the job @throws whatever `enqueue` throws; the transaction must then be undone
 */
export async function enqueueFiring(
  tx: Queryable,
  enqueue: EnqueueInto,
  row: ScheduleRow,
  firing: FiringRow,
  runAt: Date | undefined,
): Promise<string> {
  const planned = firing.job_id ?? undefined;
  const { id } = await enqueue(tx, {
    task: row.task,
    input: inputFor({ input: row.input, slotField: row.slot_field }, firing.slot),
    options: {
      id: planned,
      runAt,
      priority: row.priority ?? undefined,
      owner: row.owner ?? undefined,
      tags: row.tags,
    },
  });
  // A unique job that was there already answers with its own id.
  if (id !== planned) await setFiringJob(tx, firing, id);
  return id;
}

/** The newest that are remembered. */
export function withOpenJobs(open: readonly string[], added: readonly string[]): string[] {
  return [...new Set([...open, ...added])].slice(-maxOpenJobs);
}
