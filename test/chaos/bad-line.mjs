import { connect, createServer } from 'node:net';

/**
 * A wire between one process and the database that can be broken as real ones are.
 *
 * - `hold`: bytes are kept back and delivered later, in order, even when the sender has hung up meanwhile:
 *   what was on its way arrives. This is how late outcomes reach the database.
 * - `swallow`: bytes vanish and nobody is told.
 */
export class BadLine {
  #server;
  #upstreamPort;
  /** @type {Set<Wire>} */
  #wires = new Set();
  /** What happens to new wires. */
  #mode = 'pass';

  /** @param {number} upstreamPort */
  constructor(upstreamPort) {
    this.#upstreamPort = upstreamPort;
    this.#server = createServer({ allowHalfOpen: true }, (client) => this.#accept(client));
  }

  /** @returns {Promise<number>} the port */
  async open() {
    await new Promise((resolve, reject) => {
      this.#server.once('error', reject);
      this.#server.listen(0, '127.0.0.1', () => resolve(undefined));
    });
    const address = this.#server.address();
    if (address === null || typeof address === 'string') throw new Error('the proxy has no port');
    return address.port;
  }

  /** Keeps back what goes to the database (`up`), what comes from it (`down`) or `both`. @param {'up' | 'down' | 'both'} way */
  hold(way) {
    this.#mode = `hold ${way}`;
    for (const wire of this.#wires) wire.hold(way);
  }

  /** The same on some wires only; new ones work. @param {(wire: unknown) => boolean} which @param {'up' | 'down' | 'both'} way */
  holdSome(which, way) {
    return this.#some(which, (wire) => wire.hold(way));
  }

  /** Nothing passes any more on any wire, nor on new ones, until `pass`. */
  blackHole() {
    this.#mode = 'swallow';
    for (const wire of this.#wires) wire.swallow();
  }

  /** New wires work, held bytes are delivered; what was swallowed stays dead. */
  pass() {
    this.#mode = 'pass';
    for (const wire of this.#wires) wire.release();
  }

  /** The database's side of some wires is closed and the process is not told. @param {(wire: unknown) => boolean} which */
  halfOpen(which) {
    return this.#some(which, (wire) => wire.halfOpen());
  }

  /** Closes some wires. `abruptly`: by a reset. @param {(wire: unknown) => boolean} which @param {boolean} abruptly */
  cut(which, abruptly) {
    return this.#some(which, (wire) => wire.cut(abruptly));
  }

  async close() {
    for (const wire of this.#wires) wire.cut(true);
    await new Promise((resolve) => this.#server.close(resolve));
  }

  /** @param {(wire: unknown) => boolean} which @param {(wire: Wire) => void} action */
  #some(which, action) {
    const chosen = [...this.#wires].filter(which);
    for (const wire of chosen) action(wire);
    return chosen.length;
  }

  #accept(client) {
    const server = connect({ host: '127.0.0.1', port: this.#upstreamPort, allowHalfOpen: true });
    const wire = new Wire(client, server, () => this.#wires.delete(wire));
    this.#wires.add(wire);
    if (this.#mode === 'swallow') wire.swallow();
    else if (this.#mode.startsWith('hold')) wire.hold(this.#mode.slice(5));
  }
}

class Wire {
  #client;
  #server;
  #up;
  #down;

  constructor(client, server, onGone) {
    this.#client = client;
    this.#server = server;
    // A process that gives up is cleared away; one that still waits is told nothing.
    this.#up = new Flow(client, server, () => server.destroy());
    this.#down = new Flow(server, client, () => undefined);
    for (const socket of [client, server]) {
      socket.setNoDelay(true);
      socket.on('close', () => {
        if (client.destroyed && server.destroyed) onGone();
      });
    }
  }

  hold(way) {
    if (way !== 'down') this.#up.hold();
    if (way !== 'up') this.#down.hold();
  }

  release() {
    this.#up.release();
    this.#down.release();
  }

  swallow() {
    this.#up.swallow();
    this.#down.swallow();
  }

  halfOpen() {
    this.swallow();
    this.#server.destroy();
  }

  cut(abruptly) {
    for (const socket of [this.#client, this.#server]) {
      if (abruptly) socket.resetAndDestroy();
      else socket.destroy();
    }
  }
}

/** One direction. `null` in the queue is the sender's goodbye. */
class Flow {
  #to;
  #onVanished;
  #mode = 'pass';
  #queue = [];

  /** `onVanished` is called when the sender goes while nothing passes. */
  constructor(from, to, onVanished) {
    this.#to = to;
    this.#onVanished = onVanished;
    from.on('data', (chunk) => this.#take(chunk));
    from.on('end', () => this.#take(null));
    // A reset reaches the other end as a hang-up, behind what is still under way.
    from.on('error', () => this.#take(null));
    from.on('close', () => this.#take(null));
  }

  hold() {
    if (this.#mode === 'pass') this.#mode = 'hold';
  }

  release() {
    if (this.#mode !== 'hold') return;
    this.#mode = 'pass';
    for (const item of this.#queue.splice(0)) this.#give(item);
  }

  swallow() {
    this.#mode = 'swallow';
    this.#queue = [];
  }

  #take(item) {
    if (this.#mode === 'pass') this.#give(item);
    else if (this.#mode === 'hold') this.#queue.push(item);
    else if (item === null) this.#onVanished();
  }

  #give(item) {
    if (this.#to.destroyed || this.#to.writableEnded) return;
    if (item === null) this.#to.end();
    else this.#to.write(item);
  }
}
