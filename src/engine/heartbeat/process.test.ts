import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { createTestDatabase, type TestDatabase } from '../../database/testing/test-database.js';

// From the last build: these are about processes of their own.
const built = new URL('../../../dist/', import.meta.url).href;
const leaseMs = 1_500;

const worker = `
  import { Database } from '${built}database/database.js';
  import { Lease } from '${built}engine/lease.js';
  const say = (line) => process.stdout.write(line + '\\n');
  const logger = { debug() {}, info(fields) { say('held ' + fields.worker); }, warn() {}, error() {} };
  const db = new Database({ ...JSON.parse(process.argv[1]), poolSize: 2, logger });
  const lease = new Lease({
    db, logger, queues: null, tasks: [], concurrency: () => 1, draining: () => false, leaseMs: ${leaseMs}, onLost: () => say('lost'),
  });
  await lease.start();
  process.stdin.once('data', () => { say('blocked'); for (;;); });
`;

const idle = `
  import { Heartbeat } from '${built}engine/heartbeat/heartbeat.js';
  import { RenewalTime } from '${built}engine/heartbeat/renewal-time.js';
  const note = () => undefined;
  const heartbeat = new Heartbeat({
    connection: JSON.parse(process.argv[1]), leaseMs: 60_000, onLost: note,
    logger: { debug: note, info: note, warn: note, error: note },
  });
  heartbeat.hold({ workerId: '00000000-0000-7000-8000-000000000000', renewalTime: new RenewalTime().buffer });
`;

let db: TestDatabase;
let child: ChildProcess | undefined;
beforeEach(async () => {
  db = await createTestDatabase();
});
afterEach(async () => {
  if (child !== undefined && child.exitCode === null && child.signalCode === null) {
    const gone = once(child, 'exit');
    child.kill('SIGKILL');
    await gone;
  }
  await db.drop();
});

/** Runs the program; its lines come one at a time. */
function run(program: string): { process: ChildProcess; line: () => Promise<string> } {
  const process_ = spawn(
    process.execPath,
    ['--input-type=module', '--eval', program, JSON.stringify(db.connection)],
    { stdio: ['pipe', 'pipe', 'inherit'] },
  );
  child = process_;
  const lines = createInterface({ input: process_.stdout })[Symbol.asyncIterator]();
  return { process: process_, line: async () => String((await lines.next()).value) };
}

async function valid(id: string): Promise<boolean> {
  const { rowCount } = await db.database.query(
    'select from signalbox.worker where id = $1 and lease_expires_at > clock_timestamp()',
    [id],
  );
  return rowCount === 1;
}

/** Resolves when the lease has ended; rejects when it never does. */
async function ended(id: string): Promise<void> {
  const deadline = performance.now() + 4 * leaseMs;
  while (await valid(id)) {
    if (performance.now() > deadline) throw new Error('the lease does not end');
    await db.database.query('select pg_sleep(0.02)');
  }
}

/** Resolves when the lease has been renewed all through the next `ms`; rejects when it ends before. */
async function renewedFor(id: string, ms: number): Promise<void> {
  const { rows } = await db.database.query<{ at: Date }>('select clock_timestamp() as at');
  for (;;) {
    const state = await db.database.query<{ done: boolean }>(
      `select heartbeat_at > $2::timestamptz + $3::float8 * interval '1 millisecond' as done
       from signalbox.worker where id = $1 and lease_expires_at > clock_timestamp()`,
      [id, rows[0]?.at, ms],
    );
    if (state.rows[0] === undefined) throw new Error('the lease has ended');
    if (state.rows[0].done) return;
    await db.database.query('select pg_sleep(0.02)');
  }
}

async function held(line: Promise<string>): Promise<string> {
  const [word, id] = (await line).split(' ');
  expect(word).toBe('held');
  return String(id);
}

describe('a process', () => {
  it('that is stopped loses its lease, learns it when it goes on, and is another worker then', async () => {
    const { process: frozen, line } = run(worker);
    const id = await held(line());
    frozen.kill('SIGSTOP');
    await ended(id);
    frozen.kill('SIGCONT');
    expect(await line()).toBe('lost');
    expect(await held(line())).not.toBe(id);
    expect(await valid(id)).toBe(false);
  });

  it('that is killed while its main thread is blocked loses its lease', async () => {
    const { process: busy, line } = run(worker);
    const id = await held(line());
    busy.stdin?.write('block\n');
    expect(await line()).toBe('blocked');
    await renewedFor(id, 2 * leaseMs);
    busy.kill('SIGKILL');
    await ended(id);
  });

  it('is not kept alive by its heartbeat', async () => {
    const { process: alone } = run(idle);
    expect(await once(alone, 'exit')).toEqual([0, null]);
  });
});
