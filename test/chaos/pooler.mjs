import { execFileSync, spawn } from 'node:child_process';
import { chmod, mkdir, writeFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { within } from './time.mjs';

/** Where pgbouncer is; `undefined` when the machine has none. */
export function findPooler() {
  try {
    const env = { ...process.env, PATH: `${process.env.PATH}:/usr/sbin` };
    return execFileSync('sh', ['-c', 'command -v pgbouncer'], { env, encoding: 'utf8' }).trim();
  } catch {
    // `command -v` fails when there is no such program.
    return undefined;
  }
}

/** pgbouncer in transaction mode. */
export class Pooler {
  #program;
  #config;
  #child;
  port = 0;

  /** @param {string} program @param {string} folder @param {string} url of the database behind it */
  static async start(program, folder, url) {
    const pooler = new Pooler();
    pooler.#program = program;
    pooler.port = await freePort();
    await pooler.#configure(folder, new URL(url));
    await pooler.#launch();
    return pooler;
  }

  /** `kill -9` and a new one on the same port. */
  async restart() {
    await this.#end('SIGKILL');
    await this.#launch();
  }

  async stop() {
    await this.#end('SIGKILL');
  }

  async #configure(folder, direct) {
    await mkdir(folder);
    await chmod(folder, 0o755);
    const users = join(folder, 'users.txt');
    this.#config = join(folder, 'pgbouncer.ini');
    await writeFile(users, `"${direct.username}" "${decodeURIComponent(direct.password)}"\n`);
    // Without the two retry settings it would keep everybody out for 15 s after each crash of the server.
    await writeFile(
      this.#config,
      `[databases]
* = host=127.0.0.1 port=${direct.port}
[pgbouncer]
listen_addr = 127.0.0.1
listen_port = ${this.port}
unix_socket_dir =
auth_type = scram-sha-256
auth_file = ${users}
pool_mode = transaction
default_pool_size = 12
max_client_conn = 300
server_login_retry = 0.2
query_wait_timeout = 10
`,
    );
  }

  async #launch() {
    // It refuses to run as root.
    const account = process.getuid?.() === 0 ? { uid: 65_534, gid: 65_534 } : {};
    const child = spawn(this.#program, [this.#config], { ...account, stdio: ['ignore', 'ignore', 'pipe'] });
    this.#child = child;
    const up = new Promise((resolve, reject) => {
      let said = '';
      child.stderr.on('data', (chunk) => {
        if (said.includes('process up')) return;
        said += chunk.toString();
        if (said.includes('process up')) resolve(undefined);
      });
      child.once('error', reject);
      child.once('exit', (code) => reject(new Error(`pgbouncer ended with ${code}: ${said}`)));
    });
    await within(up, 10_000, 'starting pgbouncer');
  }

  async #end(signal) {
    const child = this.#child;
    if (child === undefined || child.exitCode !== null || child.signalCode !== null) return;
    const gone = new Promise((resolve) => child.once('exit', resolve));
    child.kill(signal);
    await within(gone, 5_000, 'the end of pgbouncer');
  }
}

async function freePort() {
  const server = createServer();
  await new Promise((resolve) => server.listen(0, '127.0.0.1', () => resolve(undefined)));
  const address = server.address();
  await new Promise((resolve) => server.close(resolve));
  if (address === null || typeof address === 'string') throw new Error('no free port');
  return address.port;
}
