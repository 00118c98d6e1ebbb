import type { Queryable } from '../database/queryable.js';
import { messageOf } from '../foundation/errors.js';
import type { Logger } from '../foundation/logger.js';
import { type Change, changeChannel } from './changes.js';
import type { GateKind } from './sql/gates.js';

/** A NOTIFY takes a lock of the whole server at its commit: a process sends at most one in this many milliseconds. */
const quietMs = 10;
/** While so many jobs move that they are not told one by one, nobody needs to know that often that they do. */
const manyQuietMs = 100;
/** More changed jobs than these are told as "many". Keeps the payload under PostgreSQL's 8,000 bytes. */
const maxIds = 100;

const notifySql = `select pg_notify($1, p) from unnest($2::text[]) as p`;

/**
 * Tells the processes what moved, after it was committed. Hints only: each listener also polls, so a hint that dies
 * with its process costs a second and loses nothing.
 */
export class Announcer {
  readonly #db: Queryable;
  readonly #logger: Logger;
  readonly #local = new Set<(change: Change) => void>();
  readonly #wokenAt = new Map<string, number>();
  #queues = new Set<string>();
  #jobs = new Set<string>();
  #many = false;
  #timer: NodeJS.Timeout | undefined;
  #due = Number.POSITIVE_INFINITY;
  #sentAt = 0;
  #sentMany = false;
  #sending: Promise<void> = Promise.resolve();

  constructor(db: Queryable, logger: Logger) {
    this.#db = db;
    this.#logger = logger;
  }

  /** Calls `handler` for what this process itself put into a queue or closed, with no way through the database. */
  onLocal(handler: (change: Change) => void): () => void {
    this.#local.add(handler);
    return () => this.#local.delete(handler);
  }

  /** Which of these queues the inserting transaction itself shall wake: those that have been quiet. */
  claimWakes(queues: readonly string[]): string[] {
    const now = performance.now();
    const quiet = queues.filter((queue) => now - (this.#wokenAt.get(queue) ?? 0) > quietMs);
    for (const queue of quiet) this.#wokenAt.set(queue, now);
    return quiet;
  }

  /**
   * Jobs of these queues were committed by this process, which woke those of `told` with it. The others are told a
   * moment later; told before the commit, a worker would look, find nothing, and not look again.
   */
  enqueued(queues: readonly string[], told: readonly string[]): void {
    for (const name of queues) {
      for (const handler of this.#local) handler({ kind: 'queue', name });
      if (!told.includes(name)) this.freed(name);
    }
  }

  /** A queue or task was paused or closed: our workers must not begin what they have claimed of it. */
  closed(gate: GateKind, name: string): void {
    for (const handler of this.#local) handler({ kind: 'gate', gate, name });
  }

  /** This job moved. */
  moved(id: string): void {
    if (this.#many) return;
    this.#jobs.add(id);
    if (this.#jobs.size > maxIds) {
      this.#many = true;
      this.#jobs.clear();
    }
    this.#schedule(this.#sentMany ? manyQuietMs : quietMs);
  }

  /** A queue may have become claimable again without an enqueue. */
  freed(queue: string): void {
    this.#queues.add(queue);
    this.#schedule(quietMs);
  }

  /** Sends what is left. */
  async stop(): Promise<void> {
    clearTimeout(this.#timer);
    this.#send();
    await this.#sending;
  }

  /** Sends this long after the last time, or sooner when that is planned already. */
  #schedule(quiet: number): void {
    const due = this.#sentAt + quiet;
    if (due >= this.#due) return;
    clearTimeout(this.#timer);
    this.#due = due;
    this.#timer = setTimeout(() => this.#send(), Math.max(0, due - performance.now()));
    this.#timer.unref();
  }

  #send(): void {
    this.#timer = undefined;
    this.#due = Number.POSITIVE_INFINITY;
    const payloads = [...this.#queues].map((name) => `queue:${name}`);
    if (this.#many) payloads.push('jobs:');
    for (const id of this.#jobs) payloads.push(`job:${id}`);
    this.#queues = new Set();
    this.#jobs = new Set();
    this.#sentMany = this.#many;
    this.#many = false;
    this.#sentAt = performance.now();
    if (payloads.length === 0) return;
    this.#sending = this.#sending.then(async () => {
      try {
        await this.#db.query(notifySql, [changeChannel, payloads]);
      } catch (error) {
        this.#logger.debug(
          { error: messageOf(error) },
          'changes could not be announced; listeners will poll',
        );
      }
    });
  }
}
