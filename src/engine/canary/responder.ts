import type { Database } from '../../database/database.js';
import type { Logger } from '../../foundation/logger.js';
import { Attempt } from '../attempt.js';
import type { ClaimBook } from '../claim-book.js';
import { type ClaimedJob, toClaimedJob } from '../claimed.js';
import type { Lanes } from '../lanes.js';
import type { Settler } from '../settler.js';
import { claimJobs, readClaim } from '../sql/claim.js';
import { canaryQueue, canaryTask, canaryTaskName, isCanaryQueue } from './canary.js';

export interface CanaryResponderOptions {
  readonly db: Database;
  readonly logger: Logger;
  readonly lanes: Lanes;
  readonly claims: ClaimBook;
  readonly settler: Settler;
  /** `null`: every queue. */
  readonly queues: readonly string[] | null;
}

/** Safety net for lost notifications, milliseconds. */
const pollMs = 5_000;
const maxCanaries = 100;
const answer = canaryTask('any');

/**
 * Answers canaries, beside the slots of the worker: in its own turn, over the same claim, and recorded together with
 * other outcomes. What keeps the worker from its work keeps it from answering.
 */
export class CanaryResponder {
  readonly #options: CanaryResponderOptions;
  readonly #queues: readonly string[] | null;
  #lookedAt = Number.NEGATIVE_INFINITY;

  constructor(options: CanaryResponderOptions) {
    this.#options = options;
    this.#queues = options.queues?.map(canaryQueue) ?? null;
  }

  /** Whether a canary was put there for this worker: then its next turn looks. */
  hears(queue: string): boolean {
    if (!isCanaryQueue(queue) || !(this.#queues?.includes(queue) ?? true)) return false;
    this.#lookedAt = Number.NEGATIVE_INFINITY;
    return true;
  }

  /** Looks for canaries when one was announced, or after some time, and answers them. */
  async turn(workerId: string): Promise<{ claimed: number }> {
    const now = performance.now();
    if (now - this.#lookedAt < pollMs) return { claimed: 0 };
    this.#lookedAt = now;
    const { db, lanes, claims } = this.#options;
    const wish = { workerId, queues: this.#queues, tasks: [canaryTaskName], limit: maxCanaries };
    const claim = await claimJobs(db, { ...wish, suspects: true, floor: null });
    const clockMs = claim.nowMs - performance.now();
    if (claim.id === null) return { claimed: 0 };
    const { list } = claim.jobs ?? (await readClaim(db, claim.id));
    const toldAt = performance.now();
    const known = await lanes.resolve(new Set(list.map(([, lane]) => lane)));
    claims.opened(claim.id, list.length);
    const origin = { workerId, claimId: claim.id, limited: claim.limited, askedAt: now, toldAt, clockMs };
    for (const brief of list) {
      const lane = known.get(brief[1]);
      if (lane !== undefined) this.#answer(toClaimedJob(brief, lane, origin));
    }
    return { claimed: list.length };
  }

  #answer(job: ClaimedJob): void {
    const { db, logger, settler } = this.#options;
    const about = {
      db,
      logger,
      job,
      middleware: [],
      handlerLogRate: 0,
      abortGraceMs: 0,
      onCompleted: () => undefined,
    };
    const attempt = new Attempt({ ...about, task: answer });
    attempt.begin((outcome) => {
      if (outcome.kind === 'lost' || outcome.kind === 'completed') return;
      // Late or not: whoever sent it sees what came of it.
      settler.push({ fence: attempt.fence, outcome, limited: job.limited }, () => undefined);
    });
  }
}
