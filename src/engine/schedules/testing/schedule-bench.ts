import { createTestDatabase, type TestDatabase } from '../../../database/testing/test-database.js';
import { newId } from '../../../foundation/ids.js';
import { type Logger, silentLogger } from '../../../foundation/logger.js';
import type { EnqueueOptions } from '../../enqueue.js';
import type { ScheduleOptions } from '../definition.js';
import type { EnqueueInto, Unfinished } from '../fire.js';
import type { Schedule } from '../schedule.js';
import { Scheduler, type SchedulerOptions } from '../scheduler.js';
import { Schedules } from '../schedules.js';

export interface BenchJob {
  readonly id: string;
  readonly task: string;
  readonly input: unknown;
  readonly options: EnqueueOptions;
}

/** Instants of one day, for tests: `at('09:30')`, `at('09:30:05')`. UTC. */
export function at(time: string): Date {
  return new Date(`2026-01-01T${time.length === 5 ? `${time}:00` : time}Z`);
}

/** Schedules on a database of their own, with a table in the place of the engine's jobs and a clock that tests set. */
export class ScheduleBench {
  readonly db: TestDatabase;
  readonly schedules: Schedules;
  readonly scheduler: Scheduler;
  now: Date = at('00:00');

  private constructor(db: TestDatabase, logger: Logger) {
    this.db = db;
    this.scheduler = this.another({ logger });
    this.schedules = new Schedules({
      db: db.database,
      logger,
      enqueue: this.enqueue,
      now: async () => this.now,
    });
  }

  static async start(logger: Logger = silentLogger): Promise<ScheduleBench> {
    const db = await createTestDatabase({ poolSize: 20 });
    await db.database.query(
      `create table bench_job (id uuid primary key, seq bigserial, task text not null, input jsonb not null,
         options jsonb not null, ended boolean not null default false)`,
    );
    return new ScheduleBench(db, logger);
  }

  /** Another process's scheduler. */
  another(options: Partial<SchedulerOptions> = {}): Scheduler {
    return new Scheduler({
      db: this.db.database,
      logger: silentLogger,
      enqueue: this.enqueue,
      unfinished: this.unfinished,
      now: async () => this.now,
      ...options,
    });
  }

  readonly enqueue: EnqueueInto = async (tx, { task, input, options }) => {
    const id = options.id ?? newId();
    await tx.query('insert into bench_job (id, task, input, options) values ($1, $2, $3, $4)', [
      id,
      task,
      JSON.stringify(input),
      JSON.stringify(options),
    ]);
    return { id };
  };

  readonly unfinished: Unfinished = async (tx, ids) => {
    const { rows } = await tx.query<{ id: string }>(
      'select id from bench_job where id = any($1) and not ended',
      [ids],
    );
    return new Set(rows.map(({ id }) => id));
  };

  async put(options: Partial<ScheduleOptions> = {}): Promise<Schedule> {
    return this.schedules.put({
      name: 'tick',
      task: 'work',
      cron: '0 * * * *',
      overlap: 'allow',
      ...options,
    });
  }

  /** One turn at that time. */
  async turn(now: Date) {
    this.now = now;
    return this.scheduler.runOnce();
  }

  async jobs(): Promise<BenchJob[]> {
    const { rows } = await this.db.database.query<BenchJob>(
      'select id, task, input, options from bench_job order by seq',
    );
    return rows;
  }

  /** `09:00 enqueued` for each firing of `tick`, oldest first. */
  async history(name = 'tick'): Promise<string[]> {
    const firings = await this.schedules.firings(name, 1_000);
    return firings.reverse().map(({ slot, outcome }) => `${slot.toISOString().slice(11, 16)} ${outcome}`);
  }

  async endJobs(): Promise<void> {
    await this.db.database.query('update bench_job set ended = true');
  }

  /** Removes what a test has made. */
  async clear(): Promise<void> {
    await this.db.database.query('delete from signalbox.schedule');
    await this.db.database.query('delete from bench_job');
    this.now = at('00:00');
  }

  async stop(): Promise<void> {
    await this.db.drop();
  }
}
