import type { Database } from '../database/database.js';
import type { SignalboxError } from '../foundation/errors.js';
import { isId } from '../foundation/ids.js';
import { engineErrors } from './errors.js';
import { type Explanation, explain } from './explain/explain.js';
import type { Hooks } from './hooks.js';
import { finalStatuses, isFinal, type Job, type JobEvent, type JobLogLine, type JobStatus } from './job.js';
import { requestCancel, requeue } from './sql/control.js';
import { readWaitFacts, type WaitFacts } from './sql/explain.js';
import { countJobs, findJob, type JobFilter, listEvents, listJobs, listLogs } from './sql/read.js';
import {
  type ClaimedInfo,
  type ComingInfo,
  countLanes,
  type LaneCounts,
  listClaimed,
  listComing,
  sampleEnded,
  type TaskSample,
} from './sql/snapshot.js';

const maxLooks = 5;

/** Reads jobs and changes them from outside. Every method that takes an id throws job_not_found for an unknown one. */
export class Jobs {
  readonly #db: Database;
  readonly #hooks: Hooks | undefined;

  /** `hooks`: who is told of what ends here. */
  constructor(db: Database, hooks?: Hooks) {
    this.#db = db;
    this.#hooks = hooks;
  }

  async get(id: string): Promise<Job> {
    const job = isId(id) ? await findJob(this.#db, id) : undefined;
    if (!job) throw notFound(id);
    return job;
  }

  /** Newest first. */
  async list(filter: JobFilter): Promise<Job[]> {
    return listJobs(this.#db, filter);
  }

  async counts(): Promise<Record<JobStatus, number>> {
    return countJobs(this.#db);
  }

  /** Counts by queue and task, and how long the oldest has waited. */
  async lanes(): Promise<LaneCounts[]> {
    return countLanes(this.#db);
  }

  /** What the workers have claimed, in that order. */
  async claimed(limit: number): Promise<ClaimedInfo[]> {
    return listClaimed(this.#db, limit);
  }

  /** What waits for its time, the soonest first. */
  async coming(limit: number): Promise<ComingInfo[]> {
    return listComing(this.#db, limit);
  }

  /** How each task fared among the newest `limit` ended jobs. */
  async sample(limit: number): Promise<TaskSample[]> {
    return sampleEnded(this.#db, limit);
  }

  /** Events after `afterSeq`, oldest first. */
  async events(id: string, afterSeq = 0, limit = 200): Promise<JobEvent[]> {
    const events = !isId(id) ? [] : await listEvents(this.#db, id, afterSeq, limit);
    if (events.length === 0) await this.get(id);
    return events;
  }

  /** Log lines after `afterSeq`, oldest first. */
  async logs(id: string, afterSeq = 0, limit = 200): Promise<JobLogLine[]> {
    const lines = !isId(id) ? [] : await listLogs(this.#db, id, afterSeq, limit);
    if (lines.length === 0) await this.get(id);
    return lines;
  }

  /**
   * Ends a waiting job at once; asks the worker of a running one to stop it.
   * @throws job_not_cancellable when it has ended
   */
  async cancel(id: string): Promise<Job> {
    if (!isId(id)) throw notFound(id);
    // A statement of its own: it takes the lock of the claims, which must not wait for a client that is frozen.
    const found = await requestCancel(this.#db, id);
    const job = await this.get(id);
    if (found === 'cancelled') this.#hooks?.jobsEnded(job, 'cancelled', 'cancelled', 1);
    if (found !== undefined) return job;
    const { status } = job;
    throw conflict('job_not_cancellable', `Job ${id} is ${status} and cannot be cancelled.`);
  }

  /**
   * Queues a failed or cancelled job anew, with all its attempts.
   * @throws job_not_retryable in any other state, or when another job has its unique key by now
   */
  async retry(id: string): Promise<Job> {
    if (!isId(id)) throw notFound(id);
    const { queued, found } = await this.#db.transaction(async (tx) => {
      const moved = await requeue(tx, id);
      return { queued: moved, found: moved ? await findJob(tx, id) : undefined };
    });
    if (queued && found) return found;
    const { status, uniqueKey } = await this.get(id);
    throw conflict(
      'job_not_retryable',
      finalStatuses.includes(status) && status !== 'succeeded'
        ? `Another job has the unique key "${uniqueKey}" of job ${id}.`
        : `Job ${id} is ${status}; only failed or cancelled jobs can be retried.`,
    );
  }

  /** Why the job is where it is, and what to do about it. */
  async explain(id: string): Promise<Explanation> {
    for (let look = 1; ; look += 1) {
      const job = await this.get(id);
      const facts = isFinal(job.status) ? undefined : await readWaitFacts(this.#db, id);
      const same = facts === undefined ? isFinal(job.status) : isSame(job, facts);
      // It moved between the two looks. One that never rests is told as it was.
      if (same || look === maxLooks) return explain(job, facts);
    }
  }
}

function isSame({ status, attempt }: Job, facts: WaitFacts): boolean {
  return status === facts.status && attempt === facts.attempt;
}

function notFound(id: string): SignalboxError {
  return engineErrors.job_not_found(`There is no job ${id.slice(0, 100)}.`);
}

function conflict(code: 'job_not_cancellable' | 'job_not_retryable', message: string): SignalboxError {
  return engineErrors[code](message);
}
