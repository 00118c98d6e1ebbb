import type { Engine } from '../../engine/engine.js';
import { engineErrors } from '../../engine/errors.js';
import type { Job } from '../../engine/job.js';
import type { Principal } from '../../identity/principal.js';

/** The owner to which a principal's view of jobs is limited; `undefined` for one that sees everybody's. */
export function ownerFilter(principal: Principal): string | undefined {
  return principal.has('jobs:all') ? undefined : principal.id;
}

/**
 * The job, if the principal may know of it. Somebody else's is answered like none at all, so that ids
 * cannot be probed.
 * @throws job_not_found
 */
export async function visibleJob(engine: Engine, principal: Principal, id: string): Promise<Job> {
  const job = await engine.jobs.get(id);
  const owner = ownerFilter(principal);
  if (owner !== undefined && job.owner !== owner) throw engineErrors.job_not_found(`There is no job ${id}.`);
  return job;
}
