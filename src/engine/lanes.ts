import type { Queryable } from '../database/queryable.js';
import { ensureLanes, type Lane, readLanes } from './sql/lanes.js';

/** The lanes that this process has met. They are never removed, so what was read once stays true. */
export class Lanes {
  readonly #db: Queryable;
  readonly #byName = new Map<string, Lane>();
  readonly #byId = new Map<number, Lane>();
  readonly #asked = new Map<string, Promise<number>>();

  constructor(db: Queryable) {
    this.#db = db;
  }

  known(queue: string, task: string): number | undefined {
    return this.#byName.get(nameOf(queue, task))?.id;
  }

  /** On our own connection; however many ask for one lane, it is asked for once. */
  require(queue: string, task: string): Promise<number> {
    const name = nameOf(queue, task);
    const asked = this.#asked.get(name) ?? this.#ask(queue, task).finally(() => this.#asked.delete(name));
    this.#asked.set(name, asked);
    return asked;
  }

  /**
   * In the caller's transaction: a second connection could be waited for by everybody who holds one. Not remembered,
   * because a lane that is new may vanish with that transaction.
   */
  async within(tx: Queryable, queue: string, task: string): Promise<number> {
    return this.known(queue, task) ?? only(await ensureLanes(tx, [{ queue, task }])).id;
  }

  /** Makes and learns lanes beforehand. */
  async prepare(wanted: readonly { readonly queue: string; readonly task: string }[]): Promise<void> {
    for (const lane of await ensureLanes(this.#db, wanted)) this.#learn(lane);
  }

  async #ask(queue: string, task: string): Promise<number> {
    const lane = only(await ensureLanes(this.#db, [{ queue, task }]));
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

function only(lanes: readonly Lane[]): Lane {
  const [lane] = lanes;
  if (lane === undefined) throw new Error('a lane is neither there nor made');
  return lane;
}
