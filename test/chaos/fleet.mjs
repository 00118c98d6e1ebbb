import { join } from 'node:path';
import { BadLine } from './bad-line.mjs';
import { Child } from './child.mjs';
import { within } from './time.mjs';

/**
 * A worker or enqueuer of the campaign.
 * @typedef {object} Member
 * @property {string} name
 * @property {Child} child
 * @property {BadLine | undefined} proxy
 * @property {boolean} ready It has begun, so SIGTERM is answered in order.
 * @property {boolean} busy Under a fault that is not over: left alone by others.
 */

/** The processes: who lives, who may be hit, and who ended though nobody asked. */
export class Fleet {
  /** @type {Member[]} */
  workers = [];
  /** @type {Member[]} */
  enqueuers = [];
  /** @type {{ kind: string, message: string }[]} */
  violations = [];
  /** Last count of late outcomes of each process. @type {Map<string, number>} */
  late = new Map();
  /** Whether a planted bug had an effect anywhere. */
  sabotaged = false;
  #options;
  #number = 0;

  /**
   * @param {object} options
   * @param {import('./profile.mjs').Profile} options.profile
   * @param {string} options.url
   * @param {import('./pooler.mjs').Pooler | undefined} options.pooler
   * @param {import('./ledger.mjs').Ledger} options.ledger
   * @param {import('./disturbances.mjs').Disturbances} options.disturbances
   * @param {import('./random.mjs').Random} options.random
   * @param {string} options.logs folder
   * @param {{ name: string, where: 'worker' | 'enqueuer' } | undefined} options.plant
   */
  constructor(options) {
    this.#options = options;
  }

  /** Workers that no fault has in its hands. */
  get healthy() {
    return this.workers.filter(({ child, busy }) => child.alive && !busy && child.leaving === undefined);
  }

  async addWorker() {
    this.#number += 1;
    const { routes } = this.#options.profile;
    const route = routes[this.#number % routes.length] ?? 'direct';
    const { url, directUrl, proxy } = await this.#route(route);
    const member = this.#start('worker.mjs', `worker-${this.#number}-${route}`, 'worker', proxy, {
      url,
      directUrl,
      effectsUrl: this.#options.url,
    });
    this.workers.push(member);
    return member;
  }

  async addEnqueuer() {
    this.#number += 1;
    const route = this.enqueuers.some(({ proxy }) => proxy !== undefined) ? 'direct' : 'proxy';
    const { url, proxy } = await this.#route(route);
    const seed = this.#options.random.between(1, 2 ** 31);
    const member = this.#start('enqueuer.mjs', `enqueuer-${this.#number}-${route}`, 'enqueuer', proxy, {
      url,
      seed,
    });
    this.enqueuers.push(member);
    return member;
  }

  /** @param {Member} member */
  async kill(member) {
    member.child.leaving = 'killed';
    member.child.signal('SIGKILL');
    await member.child.exited;
    await this.#forget(member);
  }

  /** SIGTERM, and the promise to be gone in time. @param {Member} member @param {number} boundMs */
  async leave(member, boundMs) {
    member.child.leaving = 'left';
    const asked = Date.now();
    member.child.signal('SIGTERM');
    try {
      const { code, signal } = await within(member.child.exited, boundMs, `${member.name} leaving`);
      if (code !== 0) {
        this.#violate(
          'did_not_stop',
          `${member.name} ended with ${signal ?? code} on SIGTERM; ${member.child.log}`,
        );
      }
    } catch {
      this.#violate(
        'did_not_stop',
        `${member.name} still runs ${Date.now() - asked} ms after SIGTERM; ${member.child.log}`,
      );
      await member.child.end();
    }
    await this.#forget(member);
  }

  /** Whatever state they are in. */
  async end() {
    const members = [...this.workers, ...this.enqueuers];
    await Promise.all(members.map(({ child }) => child.end()));
    await Promise.all(members.map((member) => this.#forget(member)));
  }

  get lateOutcomes() {
    let sum = 0;
    for (const count of this.late.values()) sum += count;
    return sum;
  }

  #start(script, name, role, proxy, settings) {
    const { profile, plant, logs } = this.#options;
    const member = { name, proxy, ready: false, busy: false, child: /** @type {any} */ (undefined) };
    member.child = new Child(script, {
      name,
      log: join(logs, `${name}.log`),
      settings: { name, profile, plant: plant?.where === role ? plant.name : undefined, ...settings },
      onMessage: (message) => this.#take(member, message),
    });
    void member.child.exited.then(({ code, signal }) => {
      if (member.child.leaving !== undefined) return;
      this.#violate('died', `${name} ended by itself with ${signal ?? code}; ${member.child.log}`);
      void this.#forget(member);
    });
    return member;
  }

  #take(member, message) {
    const { name } = member;
    if (message.type === 'ready') member.ready = true;
    else if (message.type === 'late') this.late.set(name, message.count);
    else if (message.type === 'sabotaged') this.sabotaged = true;
    else if (message.type === 'stop_failed') {
      this.#violate('did_not_stop', `${name}: ${message.service}.stop() rejected: ${message.error}`);
    } else this.#options.ledger.take(message);
  }

  async #route(route) {
    const { url, pooler } = this.#options;
    const through = (port) => {
      const changed = new URL(url);
      changed.port = String(port);
      return changed.toString();
    };
    if (route === 'proxy') {
      const proxy = new BadLine(Number(new URL(url).port));
      return { url: through(await proxy.open()), proxy };
    }
    if (pooler === undefined || route === 'direct') return { url };
    return { url: through(pooler.port), directUrl: route === 'mixed' ? url : undefined };
  }

  async #forget(member) {
    this.workers = this.workers.filter((other) => other !== member);
    this.enqueuers = this.enqueuers.filter((other) => other !== member);
    await member.proxy?.close();
    member.proxy = undefined;
  }

  #violate(kind, message) {
    this.violations.push({ kind, message });
  }
}
