import type { Queryable } from '../database/queryable.js';
import type { Logger } from '../foundation/logger.js';
import { giveBack } from './sql/settle.js';
import { forgottenJobs } from './sql/workers.js';

/**
 * Gives back the jobs of claims whose answer was lost: their worker is alive and does not know them. Must not run while
 * a claim of this worker is under way, whose jobs it would give back too.
 */
export async function giveBackForgotten(
  db: Queryable,
  workerId: string,
  known: readonly string[],
  logger: Logger,
): Promise<void> {
  const forgotten = await forgottenJobs(db, workerId, known);
  if (forgotten.length === 0) return;
  const batch = forgotten.map(({ job_id: jobId, attempt, claim_id: claimId }) => ({
    fence: { jobId, attempt, workerId, claimId },
    outcome: { kind: 'released', begun: false } as const,
    limited: true,
  }));
  await giveBack(db, workerId, batch, [...new Set(forgotten.map(({ claim_id }) => claim_id))]);
  logger.warn({ released: forgotten.length }, 'jobs whose claim was never answered were given back');
}
