import type { Database } from '../../database/database.js';
import type { Queryable } from '../../database/queryable.js';
import { newId } from '../../foundation/ids.js';
import type { Logger } from '../../foundation/logger.js';
import { engineErrors } from '../errors.js';
import { acceptSchedule, inputFor, type ScheduleOptions } from './definition.js';
import { type EnqueueInto, enqueueFiring, withOpenJobs } from './fire.js';
import { insertFirings, listFirings, pruneFirings } from './firing-store.js';
import { type FiringRow, type ScheduleRow, toFiring, toSchedule } from './row.js';
import { keptFirings, type Schedule, type ScheduleDefinition, type ScheduleFiring } from './schedule.js';
import { cronSlots } from './slots.js';
import * as store from './store.js';

export interface SchedulesOptions {
  readonly db: Database;
  readonly logger: Logger;
  readonly enqueue: EnqueueInto;
  /** Refuses at `put` what `enqueue` would refuse at every slot. @default nothing is checked */
  readonly check?: (task: string, input: unknown) => void;
  /** @default the database's clock */
  readonly now?: (db: Queryable) => Promise<Date>;
}

export interface SyncResult {
  readonly saved: readonly string[];
  /** Were declared once and are no longer. */
  readonly disabled: readonly string[];
  /** Declared, but the name belongs to one made through the API, which stays as it is. */
  readonly refused: readonly string[];
}

/** Makes, reads and changes schedules. Every method that takes a name throws schedule_not_found for an unknown one. */
export class Schedules {
  readonly #options: SchedulesOptions;
  readonly #now: (db: Queryable) => Promise<Date>;

  constructor(options: SchedulesOptions) {
    this.#options = options;
    this.#now = options.now ?? store.databaseNow;
  }

  /**
   * Makes the database agree with what the code declares. Only for a process that knows all of it: what is missing
   * here is disabled everywhere. A schedule that is new, comes back or has other times starts from now.
   * @throws TypeError when two have one name
   */
  async sync(declared: readonly ScheduleDefinition[]): Promise<SyncResult> {
    const names = declared.map(({ name }) => name);
    const twice = names.find((name, index) => names.indexOf(name) !== index);
    if (twice !== undefined) throw new TypeError(`schedule ${twice}: is declared twice`);
    return this.#options.db.transaction(async (tx) => {
      await store.lockSync(tx);
      const saved: string[] = [];
      for (const definition of declared) {
        const row = await store.saveDefinition(tx, 'code', definition, await this.#start(tx, definition));
        if (row !== undefined) saved.push(row.name);
      }
      const refused = names.filter((name) => !saved.includes(name));
      for (const schedule of refused) {
        this.#options.logger.warn(
          { schedule },
          'a declared schedule has the name of one made through the API',
        );
      }
      return Object.freeze({ saved, refused, disabled: await store.disableOthers(tx, names) });
    });
  }

  /**
   * Makes or replaces a schedule from outside the code. Other times start from now; anything else leaves the next
   * slot as it is. @throws schedule_invalid, schedule_in_code, and what `check` throws
   */
  async put(options: ScheduleOptions): Promise<Schedule> {
    const definition = acceptSchedule(options);
    this.#options.check?.(definition.task, inputFor(definition, new Date(0)));
    const start = await this.#start(this.#options.db, definition);
    const row = await store.saveDefinition(this.#options.db, 'api', definition, start);
    if (row === undefined) throw inCode(definition.name);
    return this.get(definition.name);
  }

  async get(name: string): Promise<Schedule> {
    const [found] = await store.listSchedules(this.#options.db, { name, limit: 1 });
    if (found === undefined) throw notFound(name);
    return answer(found.schedule, found.firing);
  }

  /** By name, those after `after`. `limit` is at most 1,000. */
  async list(page: { readonly after?: string; readonly limit?: number } = {}): Promise<Schedule[]> {
    const limit = Math.min(page.limit ?? 1_000, 1_000);
    const rows = await store.listSchedules(this.#options.db, { after: page.after, limit });
    return rows.map(({ schedule, firing }) => answer(schedule, firing));
  }

  /** What became of its slots, newest first; the last 1,000 are kept. */
  async firings(name: string, limit = 50): Promise<ScheduleFiring[]> {
    const rows = await listFirings(this.#options.db, name, limit);
    if (rows.length === 0) await this.get(name);
    return rows.map(toFiring);
  }

  /** No slot fires, and no held one is let go, until `resume`. Jobs that are there run on. */
  async pause(name: string): Promise<Schedule> {
    await store.pauseSchedule(this.#options.db, name);
    return this.get(name);
  }

  /** Goes on from now: slots of the pause are not missed, they are over. Does nothing to one that is not paused. */
  async resume(name: string): Promise<Schedule> {
    await this.#options.db.transaction(async (tx) => {
      const row = await lock(tx, name);
      if (!row.paused) return;
      const start = await this.#start(tx, { cron: row.cron, timeZone: row.time_zone });
      await store.resumeSchedule(tx, name, start);
    });
    return this.get(name);
  }

  /** With its history. @throws schedule_in_code for one that the code declares: it would be back at the next start */
  async remove(name: string): Promise<void> {
    await this.#options.db.transaction(async (tx) => {
      const row = await lock(tx, name);
      if (row.source === 'code' && row.enabled) throw inCode(name);
      await store.deleteSchedule(tx, name);
    });
  }

  /**
   * Enqueues its job at once, also of one that is paused, disabled or has a job under way; the next slot then finds
   * this job under way. @throws what `enqueue` throws
   */
  async runNow(name: string): Promise<ScheduleFiring> {
    return this.#options.db.transaction(async (tx) => {
      const row = await lock(tx, name);
      const firing = await insertManual(tx, name, await this.#now(tx));
      const jobId = await enqueueFiring(tx, this.#options.enqueue, row, firing, undefined);
      await store.saveOpenJobs(tx, name, withOpenJobs(row.open_jobs, [jobId]));
      await pruneFirings(tx, name, keptFirings);
      return toFiring({ ...firing, job_id: jobId });
    });
  }

  async #start(db: Queryable, times: Pick<ScheduleDefinition, 'cron' | 'timeZone'>) {
    const now = await this.#now(db);
    return { now, nextSlot: cronSlots(times.cron, times.timeZone).after(now) ?? null };
  }
}

/** The schedule's lock is held: only the clock's coarseness can make two of them meet. */
async function insertManual(tx: Queryable, name: string, from: Date): Promise<FiringRow> {
  for (let at = from; ; at = new Date(at.getTime() + 1)) {
    const [row] = await insertFirings(tx, name, [
      { slot: at, kind: 'manual', outcome: 'enqueued', jobId: newId() },
    ]);
    if (row !== undefined) return row;
  }
}

async function lock(tx: Queryable, name: string): Promise<ScheduleRow> {
  const row = await store.lockSchedule(tx, name);
  if (row === undefined) throw notFound(name);
  return row;
}

function answer(row: ScheduleRow, firing: FiringRow | null): Schedule {
  return toSchedule(row, firing && toFiring(firing));
}

function notFound(name: string) {
  return engineErrors.schedule_not_found(`There is no schedule ${name.slice(0, 100)}.`);
}

function inCode(name: string) {
  return engineErrors.schedule_in_code(`Schedule ${name} is declared in code; change it there, or pause it.`);
}
