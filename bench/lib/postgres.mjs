import { chmod, mkdir, mkdtemp, rm } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import pg from 'pg';
import { startEmbeddedPostgres } from '../../dist/database/embedded/embedded.js';
import { quiet } from './quiet.mjs';

// In the check-out, not in /tmp, which is memory on many systems: the disk is part of what is measured.
const folder = fileURLToPath(new URL('../../.signalbox', import.meta.url));

/** A folder of the run's own on the disk. Open for passing through: as root the server has another account. */
export async function temporaryFolder(name) {
  await mkdir(folder, { recursive: true });
  await chmod(folder, 0o755);
  const path = await mkdtemp(`${folder}/bench-${name}-`);
  await chmod(path, 0o755);
  return { path, remove: () => rm(path, { recursive: true, force: true }) };
}

/** The project's own embedded PostgreSQL with its default settings, and fresh databases on it. */
export class Postgres {
  #home;
  #server;
  #admin;
  #made = 0;
  version = '';

  static async start() {
    const postgres = new Postgres();
    postgres.#home = await temporaryFolder('postgres');
    postgres.#server = await startEmbeddedPostgres({ home: postgres.#home.path, logger: quiet });
    // A superuser, for checkpoints: one system's dirty pages must not be written in another's time.
    const url = new URL(postgres.#server.url);
    url.username = 'postgres';
    postgres.#admin = new pg.Client({ connectionString: url.href, statement_timeout: 120_000 });
    postgres.#admin.on('error', (error) =>
      console.error(`the bench lost its own connection: ${error.message}`),
    );
    await postgres.#admin.connect();
    const { rows } = await postgres.#admin.query('show server_version');
    postgres.version = rows[0].server_version;
    return postgres;
  }

  async createDatabase() {
    const name = `bench_${++this.#made}`;
    const url = new URL(this.#server.url);
    await this.#admin.query(`create database ${name} owner ${url.username}`);
    url.pathname = `/${name}`;
    return {
      url: url.href,
      settle: () => this.#settle(url.href),
      drop: () => this.#admin.query(`drop database ${name} with (force)`),
    };
  }

  /** What autovacuum and the checkpointer would do in time, done now and for everybody alike. */
  async #settle(url) {
    const client = new pg.Client({ connectionString: url, statement_timeout: 300_000 });
    await client.connect();
    try {
      await client.query('analyze');
    } finally {
      await client.end();
    }
    await this.#admin.query('checkpoint');
  }

  async stop() {
    await this.#admin?.end();
    await this.#server?.stop();
    await this.#home?.remove();
  }
}
