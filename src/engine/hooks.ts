import { messageOf } from '../foundation/errors.js';
import type { Logger } from '../foundation/logger.js';
import type { CanaryEnd } from './canary/canary.js';
import type { ClaimedJob } from './claimed.js';
import type { JobError, JobReason } from './job.js';
import { type Outcome, reasonOf } from './sql/settle.js';

export type AttemptInfo = Pick<
  ClaimedJob,
  'id' | 'task' | 'queue' | 'attempt' | 'owner' | 'tags' | 'traceParent' | 'workerId'
>;

/** One of the jobs of an enqueue. */
export interface SentJob {
  readonly id: string;
  readonly traceParent: string | null;
  /** It had been there before. */
  readonly duplicate: boolean;
}

/** A task in a queue. */
export interface LaneInfo {
  readonly queue: string;
  readonly task: string;
}

export interface RescuedInfo extends LaneInfo {
  readonly id: string;
  /** What became of it: it is queued again, or has ended. */
  readonly status: 'queued' | 'failed' | 'cancelled';
}

/**
 * What a listener can be told. Called in the process where it happens, after it happened; must return at once: a busy
 * worker calls some of them tens of thousands of times a second.
 */
export interface EngineHooks {
  /** `count` of `jobs`, all but the duplicates, were accepted by this process. In a caller's transaction: not yet committed. */
  jobsAccepted?(
    task: { readonly name: string; readonly queue: string },
    count: number,
    jobs: readonly SentJob[],
  ): void;
  /** `waitMs`: since the job could have been claimed. The time before a backoff was over is not in it. */
  attemptStarted?(job: AttemptInfo, waitMs: number): void;
  /**
   * The outcome is recorded. `ms` is how long the handler took; `reason` is that of the job's new state, `null` after a
   * success, `error` what was thrown. A job whose outcome is `succeeded`, `failed` or `cancelled` has ended.
   */
  attemptEnded?(
    job: AttemptInfo,
    outcome: Outcome['kind'],
    ms: number,
    reason: JobReason | null,
    error: Pick<JobError, 'type' | 'message'> | null,
  ): void;
  /** An outcome came after its attempt had been taken away, and was dropped. */
  outcomeLate?(job: AttemptInfo): void;
  /** The leader took a job from a dead worker. */
  jobRescued?(job: RescuedInfo): void;
  /** The leader took attempts from live workers that did not end them in time; they are tried again. */
  attemptsTimedOut?(lane: LaneInfo, count: number): void;
  /** Jobs ended without an outcome of an attempt: cancelled while they waited, too late, or ended by the leader. */
  jobsEnded?(lane: LaneInfo, outcome: 'failed' | 'cancelled', reason: JobReason, count: number): void;
  /** The leader learned what came of a canary. Canaries cause no other call. */
  canaryEnded?(canary: CanaryEnd): void;
}

/** Calls every listener; the error of one reaches neither the others nor the engine. */
export class Hooks {
  readonly #listeners: readonly EngineHooks[];
  readonly #logger: Logger;

  constructor(listeners: readonly EngineHooks[], logger: Logger) {
    this.#listeners = listeners;
    this.#logger = logger;
  }

  /** Whether anybody listens: what is only read to be told need not be read. */
  get heard(): boolean {
    return this.#listeners.length > 0;
  }

  jobsAccepted(task: { readonly name: string; readonly queue: string }, jobs: readonly SentJob[]): void {
    const count = jobs.reduce((sum, { duplicate }) => sum + Number(!duplicate), 0);
    if (count > 0) this.#each((listener) => listener.jobsAccepted?.(task, count, jobs));
  }

  canaryEnded(canary: CanaryEnd): void {
    this.#each((listener) => listener.canaryEnded?.(canary));
  }

  // These two come with every job: no function is made for each.
  attemptStarted(job: AttemptInfo, waitMs: number): void {
    for (const listener of this.#listeners) {
      try {
        this.#heard(listener.attemptStarted?.(job, waitMs));
      } catch (error) {
        this.#tell(error);
      }
    }
  }

  attemptEnded(job: AttemptInfo, outcome: Outcome, ms: number): void {
    for (const listener of this.#listeners) {
      try {
        this.#heard(listener.attemptEnded?.(job, outcome.kind, ms, reasonOf(outcome), errorOf(outcome)));
      } catch (error) {
        this.#tell(error);
      }
    }
  }

  outcomeLate(job: AttemptInfo): void {
    this.#each((listener) => listener.outcomeLate?.(job));
  }

  jobRescued(job: RescuedInfo): void {
    this.#each((listener) => listener.jobRescued?.(job));
  }

  attemptsTimedOut(lane: LaneInfo, count: number): void {
    this.#each((listener) => listener.attemptsTimedOut?.(lane, count));
  }

  jobsEnded(lane: LaneInfo, outcome: 'failed' | 'cancelled', reason: JobReason, count: number): void {
    this.#each((listener) => listener.jobsEnded?.(lane, outcome, reason, count));
  }

  #each(call: (listener: EngineHooks) => unknown): void {
    for (const listener of this.#listeners) {
      try {
        this.#heard(call(listener));
      } catch (error) {
        this.#tell(error);
      }
    }
  }

  /** An async function passes for a listener; its rejection would end the process. */
  #heard(answer: unknown): void {
    if (answer instanceof Promise) answer.catch((error: unknown) => this.#tell(error));
  }

  #tell(error: unknown): void {
    this.#logger.error({ error: messageOf(error) }, 'a hook of the engine threw');
  }
}

function errorOf(outcome: Outcome): Pick<JobError, 'type' | 'message'> | null {
  return outcome.kind === 'failed' || outcome.kind === 'retrying' ? outcome.error : null;
}
