import type { Database } from '../database/database.js';
import { messageOf } from '../foundation/errors.js';
import type { Logger } from '../foundation/logger.js';
import type { Service } from '../foundation/service.js';
import type { CanarySender } from './canary/sender.js';
import { tellEnded, tellRescued, tellTimedOut } from './endings.js';
import { enforcementGraceMs } from './grace.js';
import type { Hooks } from './hooks.js';
import { Leadership } from './leadership.js';
import { defaultKeep, Retention } from './retention.js';
import type { Scheduler } from './schedules/scheduler.js';
import {
  addUpTally,
  endOverdue,
  enforceCancels,
  enforceTimeouts,
  healLimits,
  rescueJobs,
} from './sql/rescue.js';
import type { KeepTimes } from './sql/retention.js';

export interface LeaderOptions {
  readonly db: Database;
  readonly logger: Logger;
  readonly hooks: Hooks;
  readonly scheduler: Scheduler;
  /** `undefined`: no canaries are sent. */
  readonly canaries?: CanarySender | undefined;
  /** Turns of housekeeping, milliseconds. @default 1000 */
  readonly intervalMs?: number;
  /** Worker crashes after which a job is failed. @default 3 */
  readonly maxCrashes?: number;
  /** How long after a cancel a job may go on. @default 30000 */
  readonly cancelGraceMs?: number;
  /** How long ended jobs are kept. @default succeeded and cancelled 7 days, failed 30 */
  readonly keep?: KeepTimes;
}

/** What one turn of the leader did. */
interface Housekeeping {
  readonly rescued: number;
  readonly enforced: number;
}

/**
 * Housekeeping that one process at a time does: rescue of dead workers' jobs, enforced cancels and deadlines, a look
 * whether any limit holds what it should not, the schedules, and the removal of ended jobs whose time is over.
 * Each step is safe to run twice or at once elsewhere; the lease only saves the work.
 *
 * With a worker's lease of 10 s, a leader's of 4 turns and a turn of 1 s, a job of a worker that died
 * together with the leader is queued again after at most 12 s.
 */
export class Leader implements Service {
  readonly name = 'leader';
  readonly #options: LeaderOptions;
  readonly #retention: Retention;
  readonly #leadership: Leadership<Housekeeping>;

  constructor(options: LeaderOptions) {
    this.#options = options;
    const { db, logger, keep = defaultKeep, intervalMs = 1_000 } = options;
    this.#retention = new Retention({ db, logger, keep });
    this.#leadership = new Leadership({
      db,
      logger,
      name: 'housekeeping',
      intervalMs,
      leaseTurns: 4,
      turn: () => this.#keepHouse(),
    });
  }

  get leading(): boolean {
    return this.#leadership.leading;
  }

  async start(): Promise<void> {
    await this.#leadership.start();
  }

  async stop(): Promise<void> {
    await this.#leadership.stop();
  }

  async runOnce(): Promise<Housekeeping & { readonly leading: boolean }> {
    const done = await this.#leadership.runOnce();
    return { leading: done !== undefined, ...(done ?? { rescued: 0, enforced: 0 }) };
  }

  async #keepHouse(): Promise<Housekeeping> {
    const { db, logger, hooks, maxCrashes = 3, cancelGraceMs = enforcementGraceMs } = this.#options;
    const rescued = await rescueJobs(db, maxCrashes);
    for (const job of rescued) {
      logger.warn({ job_id: job.id, queue: job.queue, status: job.status }, 'job of a dead worker rescued');
    }
    await tellRescued(db, hooks, rescued);
    const enforced = await enforceCancels(db, cancelGraceMs);
    if (enforced.length > 0)
      logger.warn({ enforced: enforced.length }, 'cancelled jobs were ended without their workers');
    await tellEnded(db, hooks, enforced, 'cancelled', 'cancelled');
    const timedOut = await enforceTimeouts(db, cancelGraceMs);
    if (timedOut.length > 0)
      logger.warn({ timed_out: timedOut.length }, 'attempts were taken from workers that did not end them');
    await tellTimedOut(db, hooks, timedOut);
    const { expired, deadline } = await endOverdue(db, cancelGraceMs);
    if (expired.length + deadline.length > 0)
      logger.warn(
        { expired: expired.length, deadline: deadline.length },
        'jobs were too late and are failed',
      );
    await tellEnded(db, hooks, expired, 'failed', 'expired');
    await tellEnded(db, hooks, deadline, 'failed', 'deadline');
    const healed = await healLimits(db);
    if (healed.jobs > 0) logger.warn({ ...healed }, 'jobs waited for a limit that had room');
    await addUpTally(db);
    await this.#fireSchedules();
    await this.#sendCanaries();
    if (this.#retention.due) await this.#retention.runOnce();
    return { rescued: rescued.length, enforced: enforced.length };
  }

  /** Last, and on its own: what ails a schedule must not cost a rescue. */
  async #fireSchedules(): Promise<void> {
    try {
      await this.#options.scheduler.runOnce();
    } catch (error) {
      this.#options.logger.warn({ error: messageOf(error) }, 'schedules could not be looked at');
    }
  }

  /** On their own as well: their absence is told by the findings. */
  async #sendCanaries(): Promise<void> {
    try {
      await this.#options.canaries?.runOnce();
    } catch (error) {
      this.#options.logger.warn({ error: messageOf(error) }, 'canaries could not be sent');
    }
  }
}
