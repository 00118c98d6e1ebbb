import type { Database } from '../../database/database.js';
import type { Queryable } from '../../database/queryable.js';
import { type Backoff, backoffDelayMs } from '../../foundation/backoff.js';
import { messageOf } from '../../foundation/errors.js';
import type { Logger } from '../../foundation/logger.js';
import { storableText } from '../failure.js';
import type { EnqueueInto, Unfinished } from './fire.js';
import type { FiringRow } from './row.js';
import { countFailure, databaseNow, dueSchedules, saveRetry } from './store.js';
import { turnOf } from './turn.js';

export interface SchedulerOptions {
  readonly db: Database;
  readonly logger: Logger;
  readonly enqueue: EnqueueInto;
  readonly unfinished: Unfinished;
  /** The clock that decides what is due. @default the database's */
  readonly now?: (db: Queryable) => Promise<Date>;
  /** 0 up to 1, for jitter. @default Math.random */
  readonly random?: () => number;
}

/** What one turn did, in slots; `failed` in schedules. */
export interface SchedulerTurn {
  readonly fired: number;
  readonly held: number;
  readonly skipped: number;
  /** At least: a gap may be longer than was counted. */
  readonly missed: number;
  readonly failed: number;
}

/** Bounds of one turn: the leader has other work, and its lease ends when it takes too long. */
const maxSchedules = 100;
const maxFirings = 200;
const retryBackoff: Backoff = { initialMs: 1_000, factor: 2, maxMs: 60_000, jitter: 0.2 };

/**
 * Fires what is due, one turn at a time; the leader calls it. Any number of processes may run turns at once: the
 * firing row decides who fires a slot, the leader's lease only saves the work.
 *
 * A schedule whose job cannot be enqueued (task unknown, input invalid) is undone, noted on the schedule and tried
 * again after 1 s, doubling to 60 s; the others fire. Its slot thereby becomes one that was not fired in time, and
 * the catch-up policy decides how long it is tried: with `none` for a minute, with `latest` until a newer slot takes
 * its place, with `all` until it succeeds.
 */
export class Scheduler {
  readonly name = 'scheduler';
  readonly #options: SchedulerOptions;

  constructor(options: SchedulerOptions) {
    this.#options = options;
  }

  /** @throws what the database throws; the next turn does what this one did not */
  async runOnce(signal?: AbortSignal): Promise<SchedulerTurn> {
    const { db, enqueue, unfinished, random = Math.random, now: readNow = databaseNow } = this.#options;
    const deps = { enqueue, unfinished, random };
    const now = await readNow(db);
    const rows: FiringRow[] = [];
    let failed = 0;
    for (const name of await dueSchedules(db, now, maxSchedules)) {
      if (rows.length >= maxFirings || signal?.aborted) break;
      const at = { name, now, maxFirings: maxFirings - rows.length };
      try {
        const decided = (await db.transaction((tx) => turnOf(tx, deps, at))) ?? [];
        this.#tellMissed(decided);
        rows.push(...decided);
      } catch (error) {
        failed += 1;
        await this.#fail(name, now, error);
      }
    }
    return summary(rows, failed);
  }

  #tellMissed(rows: readonly FiringRow[]): void {
    for (const { schedule, missed_from: from, slot: to, missed: slots } of rows) {
      if (from === null) continue;
      const fields = { schedule, from, to, slots: slots ?? 'more than were counted' };
      this.#options.logger.warn(fields, 'missed slots of a schedule were dropped by its catch-up policy');
    }
  }

  /** In a transaction of its own: that of the try is undone. When this fails too, the database is away for all. */
  async #fail(name: string, now: Date, error: unknown): Promise<void> {
    const { db, logger, random = Math.random } = this.#options;
    const message = storableText(messageOf(error));
    await db.transaction(async (tx) => {
      const failures = await countFailure(tx, name, message, now);
      if (failures === undefined) return;
      const delayMs = backoffDelayMs(retryBackoff, failures, random);
      await saveRetry(tx, name, new Date(now.getTime() + delayMs));
      logger.error(
        { schedule: name, failures, error: message },
        `a schedule could not fire; trying again in ${delayMs} ms`,
      );
    });
  }
}

function summary(rows: readonly FiringRow[], failed: number): SchedulerTurn {
  const count = (outcome: FiringRow['outcome']) => rows.filter((row) => row.outcome === outcome).length;
  return Object.freeze({
    fired: count('enqueued'),
    held: count('held'),
    skipped: count('skipped'),
    missed: rows.reduce((sum, row) => sum + (row.missed_from === null ? 0 : (row.missed ?? 1)), 0),
    failed,
  });
}
