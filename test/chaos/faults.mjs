import { sleep } from './time.mjs';

/**
 * Everything that is broken on purpose. One method per card of the profile's deck; each resolves when the next
 * fault may come, which is long before a lasting one is over.
 */
export class Faults {
  #options;
  /** Lasting faults. @type {Set<Promise<void>>} */
  #lasting = new Set();
  #ending = new AbortController();

  /**
   * @param {object} options
   * @param {import('./profile.mjs').Profile} options.profile
   * @param {import('./random.mjs').Random} options.random
   * @param {import('./fleet.mjs').Fleet} options.fleet
   * @param {import('./disturbances.mjs').Disturbances} options.disturbances
   * @param {import('./server.mjs').Server} options.server
   * @param {import('./pooler.mjs').Pooler | undefined} options.pooler
   * @param {import('signalbox').Database} options.database
   * @param {import('./gatekeeper.mjs').Gatekeeper} options.gatekeeper
   * @param {(text: string) => void} options.say
   */
  constructor(options) {
    this.#options = options;
  }

  /** Deals cards until `signal` fires. @param {AbortSignal} signal */
  async run(signal) {
    const { profile, random, pooler } = this.#options;
    const cards = Object.entries(profile.deck)
      .filter(([kind]) => pooler !== undefined || kind !== 'restart_pooler')
      .flatMap(([kind, count]) => Array(count).fill(kind));
    let deck = [];
    while (!signal.aborted) {
      if (deck.length === 0) deck = random.shuffled(cards);
      await this.#populate();
      await this.#deal(deck.pop(), signal);
      await nap(random.between(...profile.gapMs), signal);
    }
  }

  /** Ends every lasting fault now and resolves when all of them are over. */
  async calm() {
    this.#ending.abort();
    await Promise.all(this.#lasting);
  }

  async #deal(kind, signal) {
    switch (kind) {
      case 'kill':
        return this.#kill('kill', 1);
      case 'kill_several':
        return this.#kill('kill_several', 3);
      case 'kill_quietly':
        await this.#kill('kill_quietly', 1);
        // Nothing else is in the way of the rescue: here the promise is measured without any excuse.
        return nap(this.#options.profile.quietMs, signal);
      case 'kill_enqueuer':
        return this.#killEnqueuer();
      case 'join':
        return this.#join();
      case 'leave':
        return this.#leave();
      case 'stop':
        return this.#stop('stop', this.#options.profile.outlastMs);
      case 'stop_briefly':
        return this.#stop('stop_briefly', this.#options.profile.shortMs);
      case 'block':
        return this.#block();
      case 'change_gate':
        return this.#changeGate();
      case 'terminate_storm':
        return this.#terminateStorm();
      case 'restart_postgres':
        return this.#restartPostgres();
      case 'restart_pooler':
        return this.#restartPooler();
      case 'delay_packets':
        return this.#delayPackets();
      case 'delay_statement':
        return this.#delayStatement();
      case 'black_hole':
        return this.#blackHole();
      case 'half_open':
        return this.#halfOpen();
      case 'cut_connections':
        return this.#cutConnections();
      default:
        throw new Error(`there is no fault ${kind}`);
    }
  }

  async #populate() {
    const { fleet, profile } = this.#options;
    while (fleet.workers.length < profile.workers[0]) await fleet.addWorker();
    while (fleet.enqueuers.length < 2) await fleet.addEnqueuer();
  }

  /** A healthy worker to be hit, while at least two more stay. */
  #victim(holds = (_member) => true) {
    const { fleet, random } = this.#options;
    const { healthy } = fleet;
    const candidates = healthy.filter(holds);
    return healthy.length < 3 || candidates.length === 0 ? undefined : random.pick(candidates);
  }

  async #kill(kind, count) {
    const { fleet, disturbances, say } = this.#options;
    for (let n = 0; n < count; n += 1) {
      const victim = this.#victim();
      if (victim === undefined) return;
      say(`${kind} ${victim.name}`);
      const fault = disturbances.begin(kind, victim.name, { deaf: true });
      await fleet.kill(victim);
      disturbances.end(fault);
    }
  }

  async #killEnqueuer() {
    const { fleet, random, disturbances, say } = this.#options;
    const candidates = fleet.enqueuers.filter(({ busy, child }) => !busy && child.alive);
    if (candidates.length === 0) return;
    const victim = random.pick(candidates);
    say(`kill_enqueuer ${victim.name}`);
    disturbances.end(disturbances.begin('kill_enqueuer', victim.name));
    await fleet.kill(victim);
  }

  async #join() {
    const { fleet, profile, disturbances, say } = this.#options;
    if (fleet.workers.length >= profile.workers[1]) return;
    const { name } = await fleet.addWorker();
    say(`join ${name}`);
    disturbances.end(disturbances.begin('join', name));
  }

  async #leave() {
    const { fleet, profile, disturbances, say } = this.#options;
    const victim = this.#victim(({ ready }) => ready);
    if (victim === undefined || fleet.workers.length <= profile.workers[0]) return;
    say(`leave ${victim.name}`);
    const fault = disturbances.begin('leave', victim.name);
    victim.busy = true;
    // Drain, then the grace of aborted handlers, then what a database that is away costs at most.
    const bound = profile.drainTimeoutMs + 5_000 + 4 * profile.statementTimeoutMs;
    this.#last(fleet.leave(victim, bound).then(() => disturbances.end(fault)));
  }

  async #stop(kind, range) {
    const { random } = this.#options;
    const ms = random.between(...range);
    this.#strike(kind, { deaf: true, ms }, this.#victim(), ({ child }) => {
      child.signal('SIGSTOP');
      return () => child.signal('SIGCONT');
    });
  }

  async #block() {
    const { random, profile } = this.#options;
    const ms = random.between(...profile.outlastMs);
    // It cannot be ended early, so the fault lasts as long as the block does.
    this.#strike('block', { deaf: true, ms, fixed: true }, this.#victim(), ({ child }) => {
      child.send({ type: 'block', ms });
      return () => undefined;
    });
  }

  /** No fault, but a change under load: it hits nobody but the jobs of one task. */
  async #changeGate() {
    const { gatekeeper, disturbances } = this.#options;
    const fault = disturbances.begin('change_gate', 'gate');
    this.#last(gatekeeper.change((ms) => nap(ms, this.#ending.signal)).then(() => disturbances.end(fault)));
  }

  async #terminateStorm() {
    const { database, random, disturbances, profile, say } = this.#options;
    const waves = random.between(1, 6);
    say(`terminate_storm of ${waves} waves`);
    const fault = disturbances.begin('terminate_storm', undefined);
    for (let wave = 0; wave < waves; wave += 1) {
      const share = random.pick([0.2, 0.5, 1]);
      await database
        .query(
          `select pg_terminate_backend(pid) from pg_stat_activity
           where datname = current_database() and application_name <> 'chaos-runner' and random() < $1`,
          [share],
        )
        // The next storm does what this one could not.
        .catch(() => undefined);
      await sleep(random.between(50, profile.shortMs[0]));
    }
    disturbances.end(fault);
  }

  async #restartPostgres() {
    const { server, random, disturbances, say } = this.#options;
    const signal = random.pick(['SIGQUIT', 'SIGKILL']);
    const fault = disturbances.begin('restart_postgres', undefined);
    const ms = await server.crash(signal);
    disturbances.end(fault);
    say(`restart_postgres by ${signal}: nobody could connect for ${ms} ms`);
  }

  async #restartPooler() {
    const { pooler, disturbances, say } = this.#options;
    say('restart_pooler');
    const fault = disturbances.begin('restart_pooler', undefined);
    await pooler?.restart();
    disturbances.end(fault);
  }

  async #delayPackets() {
    const { random, profile } = this.#options;
    const way = random.pick(profile.delayWays);
    const ms = random.between(
      ...(random.chance(profile.delayOutlasts) ? profile.outlastMs : profile.shortMs),
    );
    this.#strike('delay_packets', { ms, detail: way }, this.#proxied(), ({ proxy }) => {
      proxy.hold(way);
      return () => proxy.pass();
    });
  }

  /** Late enough that the process has given the statement up and gone on over another connection. */
  async #delayStatement() {
    const { random, profile } = this.#options;
    const way = random.pick(['up', 'up', 'down']);
    const ms = profile.statementTimeoutMs + 2_000 + random.between(200, 2_500);
    const share = random.pick([0.4, 0.7]);
    this.#strike('delay_statement', { ms, detail: way }, this.#proxied(), ({ proxy }) => {
      proxy.holdSome(() => random.chance(share), way);
      return () => proxy.pass();
    });
  }

  async #blackHole() {
    const { random, profile } = this.#options;
    const ms = random.between(...profile.outlastMs);
    this.#strike('black_hole', { ms }, this.#proxied(), ({ proxy }) => {
      proxy.blackHole();
      return () => proxy.pass();
    });
  }

  async #halfOpen() {
    const { random } = this.#options;
    const share = random.pick([0.3, 0.6, 1]);
    // Until the statement's time-out has shown the process that nobody is there.
    const ms = this.#options.profile.statementTimeoutMs + 2_000;
    this.#strike('half_open', { ms }, this.#proxied(), ({ proxy }) => {
      proxy.halfOpen(() => random.chance(share));
      return () => undefined;
    });
  }

  async #cutConnections() {
    const { random } = this.#options;
    const abruptly = random.chance(0.5);
    const share = random.pick([0.5, 1]);
    const detail = abruptly ? 'by resets' : 'in order';
    this.#strike('cut_connections', { ms: 300, detail }, this.#proxied(), ({ proxy }) => {
      proxy.cut(() => random.chance(share), abruptly);
      return () => undefined;
    });
  }

  /** Now and then an enqueuer's wire is hit instead of a worker's. */
  #proxied() {
    const { fleet, random, profile } = this.#options;
    const enqueuer = fleet.enqueuers.find(({ proxy, busy, child }) => proxy && !busy && child.alive);
    if (enqueuer !== undefined && random.chance(profile.enqueuerShare)) return enqueuer;
    return this.#victim(({ proxy }) => proxy !== undefined);
  }

  /** Hits one process for a while; `begin` returns how to end it. */
  #strike(kind, { ms, deaf = false, detail = '', fixed = false }, victim, begin) {
    if (victim === undefined) return;
    const { disturbances, say } = this.#options;
    say(`${kind} ${victim.name} for ${ms} ms ${detail}`.trimEnd());
    const fault = disturbances.begin(kind, victim.name, { deaf });
    victim.busy = true;
    const end = begin(victim);
    const over = async () => {
      await nap(ms, fixed ? new AbortController().signal : this.#ending.signal);
      end();
      disturbances.end(fault);
      victim.busy = false;
    };
    this.#last(over());
  }

  #last(promise) {
    const tracked = promise.finally(() => this.#lasting.delete(tracked));
    this.#lasting.add(tracked);
  }
}

async function nap(ms, signal) {
  if (signal.aborted) return;
  await new Promise((resolve) => {
    const timer = setTimeout(done, ms);
    signal.addEventListener('abort', done, { once: true });
    function done() {
      clearTimeout(timer);
      signal.removeEventListener('abort', done);
      resolve(undefined);
    }
  });
}
