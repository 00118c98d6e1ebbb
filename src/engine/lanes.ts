import type { Queryable } from '../database/queryable.js';
import { ensureLanes, type Lane, readLanes } from './sql/lanes.js';

/**
 * The lanes that this process has met. They are never removed, so what was read once stays true. They are made on
 * our own connection: a lane must not vanish with the transaction of the caller who needed it first.
 */
export class Lanes {
  readonly #db: Queryable;
  readonly #byName = new Map<string, Lane>();
  readonly #byId = new Map<number, Lane>();

  constructor(db: Queryable) {
    this.#db = db;
  }

  /** The id of a known lane; `undefined` when `require` has to be asked first. */
  known(queue: string, task: string): number | undefined {
    return this.#byName.get(nameOf(queue, task))?.id;
  }

  async require(queue: string, task: string): Promise<number> {
    const known = this.known(queue, task);
    if (known !== undefined) return known;
    const [lane] = await ensureLanes(this.#db, [{ queue, task }]);
    if (lane === undefined) throw new Error(`the lane of ${task} in ${queue} is neither there nor made`);
    this.#learn(lane);
    return lane.id;
  }

  /** @returns the lanes of these ids, of which a claim spoke */
  async resolve(ids: ReadonlySet<number>): Promise<ReadonlyMap<number, Lane>> {
    const missing = [...ids].filter((id) => !this.#byId.has(id));
    if (missing.length > 0) for (const lane of await readLanes(this.#db, missing)) this.#learn(lane);
    return this.#byId;
  }

  #learn(lane: Lane): void {
    this.#byId.set(lane.id, lane);
    this.#byName.set(nameOf(lane.queue, lane.task), lane);
  }
}

function nameOf(queue: string, task: string): string {
  return `${queue}\n${task}`;
}
