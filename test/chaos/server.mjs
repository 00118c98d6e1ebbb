import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import pg from 'pg';
import { startEmbeddedPostgres } from '../../dist/database/embedded/embedded.js';
import { until } from './time.mjs';

/** The real PostgreSQL that everything runs on, and the means to crash it. */
export class Server {
  #home;
  #embedded;

  /** @param {string} home @param {import('signalbox').Logger} logger */
  static async start(home, logger) {
    const server = new Server();
    server.#home = home;
    server.#embedded = await startEmbeddedPostgres({ home, logger });
    return server;
  }

  get url() {
    return this.#embedded.url;
  }

  get port() {
    return Number(new URL(this.url).port);
  }

  /** @param {string} name @returns {Promise<string>} its URL */
  async createDatabase(name) {
    const client = new pg.Client(this.url);
    client.on('error', () => undefined);
    await client.connect();
    try {
      await client.query(`create database ${pg.escapeIdentifier(name)}`);
    } finally {
      await client.end();
    }
    const url = new URL(this.url);
    url.pathname = `/${name}`;
    return url.toString();
  }

  /**
   * SIGQUIT is `pg_ctl stop -m immediate`; SIGKILL leaves the server's children behind as well. Either way
   * it recovers from its log, and the supervisor starts it again.
   * @param {'SIGQUIT' | 'SIGKILL'} signal
   * @returns {Promise<number>} how long nobody could connect, milliseconds
   */
  async crash(signal) {
    const file = join(this.#home, 'postgres', 'data', 'postmaster.pid');
    const pid = Number((await readFile(file, 'utf8')).split('\n')[0]);
    // A stale file would name a stranger.
    const command = await readFile(`/proc/${pid}/cmdline`, 'utf8').catch(() => 'postgres');
    if (!command.includes('postgres')) throw new Error(`process ${pid} is not the server`);
    const began = Date.now();
    const { url } = this;
    process.kill(pid, signal);
    await until(() => this.#answers(pid), 60_000, 'PostgreSQL comes back after its crash');
    if (this.url !== url)
      throw new Error(`the embedded PostgreSQL came back at another address after ${signal}`);
    return Date.now() - began;
  }

  /** @param {number} former process id of the server before */
  async #answers(former) {
    const text = await readFile(join(this.#home, 'postgres', 'data', 'postmaster.pid'), 'utf8');
    if (Number(text.split('\n')[0]) === former) return undefined;
    const client = new pg.Client({ connectionString: this.url, connectionTimeoutMillis: 1_000 });
    client.on('error', () => undefined);
    try {
      await client.connect();
      await client.query('select 1');
      return true;
    } finally {
      await client.end();
    }
  }

  async stop() {
    await this.#embedded.stop();
  }
}
