import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { chmod, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { Database } from '../src/database/database.js';
import { migrateUp } from '../src/database/migrations.js';
import { Notifications } from '../src/database/notifications.js';
import {
  allMigrations,
  createTestDatabase,
  type TestDatabase,
} from '../src/database/testing/test-database.js';
import { Engine } from '../src/engine/engine.js';
import { anyTask } from '../src/engine/testing/harness.js';
import { silentLogger } from '../src/foundation/logger.js';

const program = findProgram();
if (program === undefined) {
  process.stderr.write('SKIPPED: pgbouncer is not installed; `npm run test:packages` as root installs it\n');
}

function findProgram(): string | undefined {
  try {
    const env = { ...process.env, PATH: `${process.env.PATH}:/usr/sbin` };
    return execFileSync('sh', ['-c', 'command -v pgbouncer'], { env, encoding: 'utf8' }).trim();
  } catch {
    return undefined;
  }
}

async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const address = server.address();
  await new Promise((resolve) => server.close(resolve));
  return typeof address === 'object' && address !== null ? address.port : 0;
}

describe.skipIf(program === undefined)('behind pgbouncer in transaction mode', () => {
  let db: TestDatabase;
  let folder: string;
  let bouncer: ChildProcess;
  let database: Database;
  let url: string;

  beforeAll(async () => {
    db = await createTestDatabase({ migrate: false });
    folder = await mkdtemp(join(tmpdir(), 'signalbox-pgbouncer-'));
    await chmod(folder, 0o755);
    const direct = new URL(db.url);
    const port = await freePort();
    const users = join(folder, 'users.txt');
    const config = join(folder, 'pgbouncer.ini');
    await writeFile(users, `"${direct.username}" "${decodeURIComponent(direct.password)}"\n`);
    await writeFile(
      config,
      `[databases]
* = host=127.0.0.1 port=${direct.port}
[pgbouncer]
listen_addr = 127.0.0.1
listen_port = ${port}
unix_socket_dir =
auth_type = scram-sha-256
auth_file = ${users}
pool_mode = transaction
default_pool_size = 3
`,
    );
    // It refuses to run as root.
    const account = process.getuid?.() === 0 ? { uid: 65_534, gid: 65_534 } : {};
    bouncer = spawn(program as string, [config], { ...account, stdio: ['ignore', 'ignore', 'pipe'] });
    await new Promise<void>((resolve, reject) => {
      let said = '';
      bouncer.stderr?.on('data', (chunk: Buffer) => {
        said += chunk.toString();
        if (said.includes('process up')) resolve();
      });
      bouncer.once('exit', (code) => reject(new Error(`pgbouncer ended with ${code}: ${said}`)));
    });
    direct.port = String(port);
    url = direct.toString();
    database = new Database({ ...db.connection, url, poolSize: 5, logger: silentLogger });
  });

  afterAll(async () => {
    await database?.close();
    if (bouncer?.exitCode === null) {
      const gone = new Promise((resolve) => bouncer.once('exit', resolve));
      bouncer.kill('SIGTERM');
      bouncer.kill('SIGTERM');
      await gone;
    }
    await db?.drop();
    await rm(folder, { recursive: true, force: true });
  });

  it('is found out, and names no statement', async () => {
    expect(await database.connect()).toMatchObject({ pooled: true });
    const twenty = Array.from({ length: 20 }, (_, n) =>
      database.query<{ n: number }>('select $1::integer as n', [n]),
    );
    expect((await Promise.all(twenty)).map(({ rows }) => rows[0]?.n)).toEqual([...Array(20).keys()]);
    const { rows } = await database.query<{ n: number }>(
      'select count(*)::integer as n from pg_prepared_statements',
    );
    expect(rows).toEqual([{ n: 0 }]);
  });

  it('migrates under its lock, ten at once', async () => {
    const options = { connection: { ...db.connection, url }, folders: allMigrations, logger: silentLogger };
    const ran = await Promise.all(Array.from({ length: 10 }, () => migrateUp(options)));
    expect(ran.flat()).toHaveLength(new Set(ran.flat()).size);
    expect(ran.flat().length).toBeGreaterThan(0);
  });

  it('runs jobs by polling, and does not pretend to listen', async () => {
    const notifications = new Notifications({
      connection: { ...db.connection, url },
      channel: 'signalbox',
      logger: silentLogger,
    });
    await notifications.runOnce();
    expect(notifications.listening).toBe(false);
    await notifications.stop();

    let done: (id: string) => void = () => undefined;
    const finished = new Promise<string>((resolve) => {
      done = resolve;
    });
    const work = anyTask('work', async (_input, { job }) => done(job.id));
    const engine = new Engine({ database, tasks: [work], logger: silentLogger, housekeepingMs: 100 });
    const worker = engine.createWorker({
      queues: null,
      concurrency: 2,
      leaseMs: 5_000,
      drainTimeoutMs: 1_000,
      pollMs: 50,
    });
    await engine.start();
    await worker.start();
    const job = await engine.enqueue(work, {});
    expect(await finished).toBe(job.id);
    await worker.stop();
    await engine.stop();
    expect(await engine.jobs.get(job.id)).toMatchObject({ status: 'succeeded' });
  });
});
