import { createTestDatabase, type TestDatabase } from '../../../database/testing/test-database.js';
import { newId } from '../../../foundation/ids.js';
import { silentLogger } from '../../../foundation/logger.js';
import { Engine } from '../../engine.js';
import type { Floor } from '../../sql/claim.js';
import type { Fence } from '../../sql/settle.js';
import { registerWorker } from '../../sql/workers.js';
import type { Task } from '../../task.js';
import { anyTask } from '../../testing/harness.js';

/** Four lanes: a queue with two tasks, a task in two queues. */
export const lanes: readonly Task[] = (
  [
    ['left', 'a'],
    ['left', 'b'],
    ['right', 'a'],
    ['right', 'c'],
  ] as const
).map(([queue, name]) => anyTask(name, async () => undefined, { queue }));

/** A worker that exists in the database alone. */
export interface Ghost {
  readonly id: string;
  readonly queues: readonly string[] | null;
  readonly tasks: readonly string[];
  /** `gone`: its row is no more. */
  state: 'live' | 'dead' | 'gone';
  floor: Floor | null;
  /** What it believes it has to settle. Never forgotten: what was taken away is settled late. */
  readonly held: Held[];
}

export interface Held {
  readonly fence: Fence;
  readonly limited: boolean;
  settled: boolean;
}

/** Serve everything, one queue, one task. */
const posts = [
  { queues: null, tasks: ['a', 'b', 'c'] },
  { queues: ['left'], tasks: ['a', 'b', 'c'] },
  { queues: null, tasks: ['a'] },
] as const;

/** The database with its ghosts. */
export class Rig {
  readonly test: TestDatabase;
  readonly engine: Engine;
  readonly ghosts: Ghost[] = [];
  readonly former: Ghost[] = [];

  private constructor(test: TestDatabase) {
    this.test = test;
    // Never started: what housekeeping does is a command of its own.
    this.engine = new Engine({ database: test.database, tasks: [], logger: silentLogger });
  }

  static async create(): Promise<Rig> {
    return new Rig(await createTestDatabase());
  }

  get db() {
    return this.test.database;
  }

  /** An empty database with one live ghost at each post. */
  async reset(): Promise<void> {
    await this.db.query(`
      with a as (delete from signalbox.job), b as (delete from signalbox.finished),
        c as (delete from signalbox.claim), d as (delete from signalbox.slot), e as (delete from signalbox.freed),
        f as (delete from signalbox.unique_key), g as (delete from signalbox.tally),
        h as (delete from signalbox.worker), i as (delete from signalbox.payload)
      delete from signalbox.gate`);
    this.ghosts.length = 0;
    this.former.length = 0;
    for (let post = 0; post < posts.length; post += 1) await this.hire(post);
  }

  /** A new incarnation at a post. */
  async hire(post: number): Promise<void> {
    const place = posts[post % posts.length] ?? posts[0];
    const before = this.ghosts[post];
    if (before !== undefined) this.former.push(before);
    const ghost: Ghost = { id: newId(), ...place, state: 'live', floor: null, held: [] };
    this.ghosts[post] = ghost;
    const registration = { id: ghost.id, queues: ghost.queues, tasks: ghost.tasks };
    await registerWorker(this.db, {
      ...registration,
      hostname: 'ghost',
      pid: 1,
      concurrency: 5,
      leaseMs: 3_600_000,
    });
  }

  ghost(post: number): Ghost {
    const ghost = this.ghosts[post % this.ghosts.length];
    if (ghost === undefined) throw new Error('there is no ghost');
    return ghost;
  }

  async kill(ghost: Ghost): Promise<void> {
    await this.db.query(
      `update signalbox.worker set lease_expires_at = now() - interval '1 second' where id = $1`,
      [ghost.id],
    );
    ghost.state = 'dead';
  }

  async stop(): Promise<void> {
    await this.engine.stop();
    await this.test.drop();
  }
}
