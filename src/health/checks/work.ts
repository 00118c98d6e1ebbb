import { AbortReason } from '../../foundation/abort.js';
import { isSignalboxError } from '../../foundation/errors.js';
import { CheckFailure, type HealthCheck } from '../check.js';
import type { Work, WorkReader } from '../work.js';

/**
 * Whether somebody runs jobs, and whether accepted work is done. Neither is essential: what a server accepts is durable
 * without a worker, and taking the server away would help nobody. `GET /health/work` is the gate for that.
 */
export function workChecks(work: WorkReader): HealthCheck[] {
  return [
    { name: 'workers', essential: false, run: async () => assertWorkers(await known(work)) },
    { name: 'queues', essential: false, run: async () => assertWorkIsDone(await known(work)) },
  ];
}

function assertWorkers({ workers }: Work): void {
  const live = workers.filter((worker) => worker.live);
  if (live.length === 0) {
    throw new CheckFailure(
      'unhealthy',
      'No worker is live: jobs are accepted and not run. Start one: signalbox start --worker',
    );
  }
  if (live.every((worker) => worker.status === 'draining')) {
    throw new CheckFailure('degraded', 'Every live worker is draining and takes no more jobs.');
  }
}

function assertWorkIsDone({ findings }: Work): void {
  const [first, ...others] = findings;
  if (first === undefined) return;
  const more = others.length === 0 ? '' : ` And ${others.length} more: GET /health/work has them all.`;
  throw new CheckFailure('unhealthy', `${first.message} Remedy: ${first.remedy}${more}`);
}

/** A database that is away says nothing of workers: they must not be called dead for it. */
async function known(work: WorkReader): Promise<Work> {
  try {
    return await work.get();
  } catch (error) {
    const silent = error instanceof AbortReason || (isSignalboxError(error) && error.retryable);
    if (!silent) throw error;
    throw new CheckFailure('degraded', 'Not known: the database does not answer.', { cause: error });
  }
}
