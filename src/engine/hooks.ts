import { messageOf } from '../foundation/errors.js';
import type { Logger } from '../foundation/logger.js';
import type { CanaryEnd } from './canary/canary.js';
import type { ClaimedJob } from './claimed.js';
import type { Outcome } from './sql/settle.js';

export type AttemptInfo = Pick<
  ClaimedJob,
  'id' | 'task' | 'queue' | 'attempt' | 'owner' | 'tags' | 'traceParent'
>;

/** What a listener can be told. Called in the process where it happens, after it happened; must return at once. */
export interface EngineHooks {
  /** Jobs were accepted by this process, duplicates not among them. In a caller's transaction: not yet committed. */
  jobsAccepted?(task: { readonly name: string; readonly queue: string }, count: number): void;
  attemptStarted?(job: AttemptInfo): void;
  /** The outcome is recorded. `ms` is how long the handler took. */
  attemptEnded?(job: AttemptInfo, outcome: Outcome['kind'], ms: number): void;
  /** An outcome came after its attempt had been taken away, and was dropped. */
  outcomeLate?(job: AttemptInfo): void;
  /** The leader took a job from a dead worker. */
  jobRescued?(job: { readonly id: string; readonly queue: string; readonly status: string }): void;
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

  jobsAccepted(task: { readonly name: string; readonly queue: string }, count: number): void {
    if (count > 0) this.#each((listener) => listener.jobsAccepted?.(task, count));
  }

  attemptStarted(job: AttemptInfo): void {
    this.#each((listener) => listener.attemptStarted?.(job));
  }

  attemptEnded(job: AttemptInfo, outcome: Outcome, ms: number): void {
    this.#each((listener) => listener.attemptEnded?.(job, outcome.kind, ms));
  }

  outcomeLate(job: AttemptInfo): void {
    this.#each((listener) => listener.outcomeLate?.(job));
  }

  jobRescued(job: { readonly id: string; readonly queue: string; readonly status: string }): void {
    this.#each((listener) => listener.jobRescued?.(job));
  }

  canaryEnded(canary: CanaryEnd): void {
    this.#each((listener) => listener.canaryEnded?.(canary));
  }

  #each(call: (listener: EngineHooks) => unknown): void {
    for (const listener of this.#listeners) {
      try {
        const answer = call(listener);
        // An async function passes for a listener; its rejection would end the process.
        if (answer instanceof Promise) answer.catch((error: unknown) => this.#tell(error));
      } catch (error) {
        this.#tell(error);
      }
    }
  }

  #tell(error: unknown): void {
    this.#logger.error({ error: messageOf(error) }, 'a hook of the engine threw');
  }
}
