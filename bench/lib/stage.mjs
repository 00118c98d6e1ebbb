import { fileURLToPath } from 'node:url';
import { systems } from '../systems/index.mjs';
import { Remote } from './process.mjs';
import { startRedis } from './redis.mjs';

const host = fileURLToPath(new URL('./host.mjs', import.meta.url));

/** What a measure works with: fresh stores, and systems in processes of their own. */
export class Stage {
  #postgres;
  #nodes;
  #scale;

  constructor({ postgres, peerNode, scale }) {
    this.#postgres = postgres;
    this.#nodes = { ours: process.execPath, peers: peerNode };
    this.#scale = scale;
  }

  /** A size or a duration, smaller when the bench itself is tried out. */
  size(full) {
    return Math.max(1, Math.round(full * this.#scale));
  }

  get peerNode() {
    return this.#nodes.peers;
  }

  /** Runs `act` with an empty database, which is dropped afterwards. */
  async withDatabase(act) {
    const database = await this.#postgres.createDatabase();
    try {
      return await act(database);
    } finally {
      await database.drop();
    }
  }

  /** Runs `act` with an empty store of the system's kind and a way to start processes on it. */
  async with(name, act) {
    if (systems[name].store === 'redis') {
      const redis = await startRedis();
      try {
        return await this.#withProcesses(name, { port: redis.port }, async () => undefined, act);
      } finally {
        await redis.stop();
      }
    }
    return this.withDatabase(({ url, settle }) => this.#withProcesses(name, { url }, settle, act));
  }

  async #withProcesses(name, target, settle, act) {
    const started = [];
    const start = async (options = {}) => {
      const remote = new Remote({
        node: systems[name].ours ? this.#nodes.ours : this.#nodes.peers,
        file: host,
        args: [name],
        execArgv: options.gc ? ['--expose-gc'] : [],
      });
      started.push(remote);
      await remote.call('open', { target, install: started.length === 1 }, 120_000);
      return remote;
    };
    try {
      return await act({ start, settle });
    } finally {
      await Promise.all(started.map((remote) => remote.stop()));
    }
  }
}
