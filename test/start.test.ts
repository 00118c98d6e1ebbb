import { fileURLToPath } from 'node:url';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { type TemporaryHome, temporaryHome } from '../src/database/testing/temporary-home.js';
import { createTestDatabase, type TestDatabase } from '../src/database/testing/test-database.js';
import { SignalboxProcess, signalbox } from './support/signalbox.js';

const tasks = fileURLToPath(new URL('./tasks', import.meta.url));
let home: string;
let folder: TemporaryHome;
const started: SignalboxProcess[] = [];

beforeEach(async () => {
  folder = await temporaryHome();
  home = folder.path;
});
afterEach(async () => {
  await stopAll();
  await folder.remove();
});

async function stopAll(): Promise<void> {
  await Promise.all(started.splice(0).map((process) => process.stop()));
}

function start(args: readonly string[], env: Record<string, string> = {}): SignalboxProcess {
  const process = new SignalboxProcess(['start', ...args], {
    env: { SIGNALBOX_HOME: home, PORT: '0', LOG_LEVEL: 'info', ...env },
  });
  started.push(process);
  return process;
}

describe('ten processes at the same moment', () => {
  it('all come up on one empty folder with the embedded database, and it stops with the last', async () => {
    const ten = Array.from({ length: 10 }, () => start([]));
    const lines = await Promise.all(ten.map((process) => process.running()));
    expect(new Set(lines.map((line) => line.worker)).size).toBe(10);
    for (const line of lines) {
      const answer = await fetch(`${line.url}/health/ready`);
      expect(answer.status).toBe(200);
    }
    const codes = await Promise.all(ten.map((process) => process.stop()));
    expect(codes).toEqual(Array(10).fill(0));
  });

  it('all come up on one fresh database of another server', async () => {
    const db: TestDatabase = await createTestDatabase({ migrate: false });
    const env = { DATABASE_URL: db.url, DATABASE_POOL_SIZE: '3' };
    const ten = Array.from({ length: 10 }, () => start([], env));
    await Promise.all(ten.map((process) => process.running()));
    await Promise.all(ten.map((process) => process.stop()));
    await db.drop();
  });
});

describe('the guides’ first failure: a server without a worker', () => {
  let db: TestDatabase;
  beforeEach(async () => {
    db = await createTestDatabase({ migrate: false });
  });
  afterEach(async () => {
    await stopAll();
    await db.drop();
  });

  it('is told at start, by /health/work, and by the job itself, until a worker runs', async () => {
    const env = { DATABASE_URL: db.url, SIGNALBOX_TASKS: tasks };
    const server = start(['--server'], env);
    const { url } = await server.running();
    const warning = await server.line(({ level }) => level === 'warn');
    expect(warning.msg).toContain('signalbox start --worker');

    expect((await fetch(`${url}/health/work`)).status).toBe(200);
    const accepted = await fetch(`${url}/jobs`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ task: 'test.open', input: { text: 'hello' } }),
    });
    expect(accepted.status).toBe(202);
    const job = (await accepted.json()) as { id: string; status: string };
    expect(job.status).toBe('queued');

    const work = await fetch(`${url}/health/work`);
    expect(work.status).toBe(503);
    expect(await work.json()).toMatchObject({
      status: 'unhealthy',
      findings: [{ queue: 'default', waiting: 1, remedy: 'signalbox start --worker --queues default' }],
    });
    const explained = await fetch(`${url}/jobs/${job.id}/explain`);
    expect(await explained.json()).toMatchObject({
      summary: 'No live worker serves queue "default".',
      reasons: [{ code: 'no_worker', remedy: 'signalbox start --worker --queues default' }],
    });
    // The process itself is well: a load balancer must not take it out.
    expect((await fetch(`${url}/health`)).status).toBe(200);
    expect((await fetch(`${url}/health/ready`)).status).toBe(200);

    const again = start(['--server'], env);
    await again.running();
    const told = await again.line(({ msg }) => msg.includes('waiting in queue "default"'));
    expect(told.level).toBe('warn');

    const events = fetch(`${url}/jobs/${job.id}/events`).then((answer) => answer.text());
    const worker = start(['--bg-tasks', '--all'], env);
    const roles = await worker.running();
    expect(roles.roles).toBe('worker');
    expect(roles.url).toBeUndefined();
    expect(roles.queues).toContain('all');
    expect(await events).toContain('event: succeeded');
    expect((await fetch(`${url}/health/work`)).status).toBe(200);
  });

  it.each([
    [['--server', '--bg-tasks', '-A'], 'server and worker'],
    [[], 'server and worker'],
    [['--server'], 'server'],
    [['--worker', '--queues', 'default,images'], 'worker'],
  ])('start %j is %s', async (args, roles) => {
    const line = await start(args, { DATABASE_URL: db.url }).running();
    expect(line.roles).toBe(roles);
  });
});

describe('a start that must not happen', () => {
  it('reports every configuration error at once, before anything starts', async () => {
    const env = {
      SIGNALBOX_HOME: home,
      PORT: 'x',
      SIGNALBOX_CONCURRENCY: '0',
      LOG_LEVEL: 'loud',
      DATABASE_URL: 'mysql://secret',
    };
    const { code, stderr } = await signalbox(['start'], env);
    expect(code).toBe(2);
    for (const name of ['PORT', 'SIGNALBOX_CONCURRENCY', 'LOG_LEVEL', 'DATABASE_URL'])
      expect(stderr).toContain(name);
    expect(stderr).not.toContain('secret');
  });

  it.each([
    [{ HOST: '0.0.0.0' }, 'SIGNALBOX_API_KEY'],
    [{ ENVIRONMENT: 'production' }, 'SIGNALBOX_API_KEY'],
  ])('refuses %j without a key', async (env, words) => {
    const { code, stderr } = await signalbox(['start', '--server'], { SIGNALBOX_HOME: home, ...env });
    expect(code).not.toBe(0);
    expect(stderr).toContain(words);
  });

  it('warns of settings that have no use, never in silence', async () => {
    const { stdout } = await signalbox(['config', '--json'], {
      SIGNALBOX_HOME: home,
      KEYCLOAK_REALM: 'x',
      REDIS_URL: 'redis://:hidden-redis-password@x',
      SIGNALBOX_API_KEY: 'a-very-secret-key-1234',
    });
    const { settings, warnings } = JSON.parse(stdout) as {
      settings: { name: string; value: string; source: string }[];
      warnings: string[];
    };
    expect(warnings.join()).toContain('KEYCLOAK_REALM');
    expect(stdout).not.toContain('hidden-redis-password');
    expect(stdout).not.toContain('a-very-secret-key-1234');
    expect(settings.find(({ name }) => name === 'SIGNALBOX_API_KEY')).toMatchObject({
      value: '(hidden)',
      source: 'env SIGNALBOX_API_KEY',
    });
  });
});
