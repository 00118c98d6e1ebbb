import { newId } from '../../foundation/ids.js';
import { type Claim, claimJobs } from '../sql/claim.js';
import { registerWorker } from '../sql/workers.js';
import type { Harness } from './harness.js';

/** A worker that exists in the database alone, as one does whose process was killed. */
export class Ghost {
  readonly id: string;
  readonly #h: Harness;
  readonly #tasks: readonly string[];

  private constructor(h: Harness, id: string, tasks: readonly string[]) {
    this.#h = h;
    this.id = id;
    this.#tasks = tasks;
  }

  static async appear(h: Harness, ...tasks: string[]): Promise<Ghost> {
    const id = newId();
    const registration = { id, hostname: 'ghost', pid: 1, queues: null, tasks, concurrency: 1 };
    await registerWorker(h.db.database, { ...registration, leaseMs: 60_000 });
    return new Ghost(h, id, tasks);
  }

  async claim(limit: number): Promise<Claim> {
    const wish = { workerId: this.id, queues: null, tasks: this.#tasks, limit, suspects: true, floor: null };
    return claimJobs(this.#h.db.database, wish);
  }

  /** Its lease is over: the next turn of the leader takes its jobs away. */
  async die(): Promise<void> {
    await this.#h.db.database.query(
      `update signalbox.worker set lease_expires_at = now() - interval '1 second' where id = $1`,
      [this.id],
    );
  }
}
