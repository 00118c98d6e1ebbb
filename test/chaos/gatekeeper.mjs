import { until } from './time.mjs';

const task = 'gated';

/**
 * Changes at run time what one task lets through, and keeps the journal by which it is judged. A change is in force
 * at the latest when it was acknowledged, and at the earliest when it was asked for.
 */
export class Gatekeeper {
  /** @type {{ asked: number, acked: number, maxRunning: number | null }[]} */
  limits = [];
  /** Surely paused from `from` to `to`. @type {{ from: number, to: number }[]} */
  pauses = [];
  #gates;
  #random;
  #busy = false;

  /** @param {import('signalbox').Engine['gates']} gates @param {import('./random.mjs').Random} random */
  constructor(gates, random) {
    this.#gates = gates;
    this.#random = random;
  }

  async open() {
    await this.#limit(2);
  }

  /** Another limit, or a pause that lasts for a while. @param {(ms: number) => Promise<void>} nap */
  async change(nap) {
    if (this.#busy) return;
    this.#busy = true;
    try {
      if (this.#random.chance(0.5)) await this.#limit(this.#random.pick([0, 1, 2, 3, 4, null]));
      else await this.#pause(this.#random.between(300, 4_000), nap);
    } finally {
      this.#busy = false;
    }
  }

  /** For the end: what waits must get through. */
  async release() {
    await this.#try(() => this.#gates.resume('task', task));
    await this.#limit(4);
  }

  async #limit(maxRunning) {
    const change = { asked: Date.now(), acked: Number.POSITIVE_INFINITY, maxRunning };
    this.limits.push(change);
    await this.#try(() => this.#gates.limit('task', task, { maxRunning }));
    change.acked = Date.now();
  }

  async #pause(ms, nap) {
    await this.#try(() => this.#gates.pause('task', task));
    const pause = { from: Date.now(), to: Number.POSITIVE_INFINITY };
    this.pauses.push(pause);
    await nap(ms);
    pause.to = Date.now();
    await this.#try(() => this.#gates.resume('task', task));
  }

  /** The database may be away. */
  async #try(action) {
    const acted = async () => {
      await action();
      return true;
    };
    await until(acted, 60_000, 'changing a gate');
  }
}
