import type { Database } from '../../database/database.js';
import type { Queryable } from '../../database/queryable.js';
import { newId } from '../../foundation/ids.js';
import type { EnqueueOptions } from '../enqueue.js';
import type { Hooks } from '../hooks.js';
import type { Lanes } from '../lanes.js';
import { collectCanaries, markSent, queuesWithoutCanary } from '../sql/canary.js';
import type { Task } from '../task.js';
import { canaryTask, canaryTaskName } from './canary.js';

export interface CanarySenderOptions {
  readonly db: Database;
  readonly hooks: Hooks;
  readonly lanes: Lanes;
  /** Writes a job in the transaction that it is given. */
  readonly enqueue: (tx: Queryable, task: Task, input: unknown, options: EnqueueOptions) => Promise<unknown>;
  /** Milliseconds between two canaries of a queue. */
  readonly everyMs: number;
}

/**
 * Sends each queue that has a worker a canary at the time, one for all processes, and notes what came of the last one.
 * The leader calls it; two that do at once send no more.
 */
export class CanarySender {
  readonly #options: CanarySenderOptions;

  constructor(options: CanarySenderOptions) {
    this.#options = options;
  }

  async runOnce(): Promise<{ sent: number; answered: number; unanswered: number }> {
    const { db, hooks, everyMs } = this.#options;
    const ends = await collectCanaries(db, canaryTaskName);
    for (const end of ends) hooks.canaryEnded(end);
    let sent = 0;
    for (const queue of await queuesWithoutCanary(db, canaryTaskName, everyMs)) {
      if (await this.#send(queue)) sent += 1;
    }
    const answered = ends.filter((end) => end.answered).length;
    return { sent, answered, unanswered: ends.length - answered };
  }

  /** One that nobody takes is failed when the next one is due; one that a worker took and never ends, a little later. */
  async #send(queue: string): Promise<boolean> {
    const { db, lanes, enqueue, everyMs } = this.#options;
    const task = canaryTask(queue);
    await lanes.require(task.queue, task.name);
    const id = newId();
    return db.transaction(async (tx) => {
      const sentAt = await markSent(tx, queue, id, everyMs);
      if (sentAt === undefined) return false;
      const over = new Date(sentAt.getTime() + everyMs);
      await enqueue(tx, task, {}, { id, expiresAt: over, deadlineAt: over });
      return true;
    });
  }
}
