import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { differences, guideExamples } from '../src/api/testing/guide-examples.js';
import { createTestDatabase, type TestDatabase } from '../src/database/testing/test-database.js';
import { type Line, openLine } from '../src/engine/testing/line.js';
import { SignalboxProcess } from './support/signalbox.js';

const key = 'a-key-for-the-tests-of-health';
const password = 'the-password-of-redis';

let db: TestDatabase;
let line: Line;
let folder: string;
let env: Record<string, string>;
const started: SignalboxProcess[] = [];

beforeEach(async () => {
  db = await createTestDatabase({ migrate: false });
  line = await openLine(db.url);
  folder = await mkdtemp(join(tmpdir(), 'signalbox-health-'));
  env = { SIGNALBOX_HOME: folder, PORT: '0', SIGNALBOX_LEASE: '3s' };
});
afterEach(async () => {
  line.restore();
  await Promise.all(started.splice(0).map((process) => process.stop('SIGKILL')));
  await line.close();
  await db.drop();
  await rm(folder, { recursive: true, force: true });
});

async function start(
  role: string,
  more: Record<string, string>,
): Promise<SignalboxProcess & { url: string }> {
  const process = new SignalboxProcess(['start', role], { env: { ...env, ...more } });
  started.push(process);
  const { url } = await process.running();
  return Object.assign(process, { url: String(url) });
}

async function ask(url: string, headers: Record<string, string> = {}) {
  const answer = await fetch(url, { headers });
  return { code: answer.status, body: (await answer.json()) as Record<string, unknown> };
}

it('a database that is away is 503 and named, the process stays up, and its return is seen', async () => {
  await start('--worker', { DATABASE_URL: db.url });
  const server = await start('--server', {
    DATABASE_URL: line.url,
    REDIS_URL: `redis://:${password}@127.0.0.1:1`,
  });
  const health = () => ask(`${server.url}/api/v1/health`);
  expect(await health()).toMatchObject({
    code: 200,
    body: {
      status: 'degraded',
      services: { database: { status: 'healthy' }, redis: { status: 'unhealthy' } },
    },
  });

  line.refuse();
  const away = await health();
  expect(away).toMatchObject({
    code: 503,
    body: {
      services: {
        database: { status: 'unhealthy', latency_ms: null, error: 'The database does not answer.' },
        // Nobody knows of the workers now: they are not called dead.
        workers: { status: 'degraded', error: 'Not known: the database does not answer.' },
        queues: { status: 'degraded' },
        storage: { status: 'healthy' },
      },
      workers: null,
      queues: null,
      reason: 'The database does not answer.',
    },
  });
  expect(differences(guideExamples.unhealthy, away.body)).toEqual([]);
  expect(await ask(`${server.url}/admin/health`)).toMatchObject({
    code: 503,
    body: { services: { database: 'unhealthy', storage: 'healthy' }, workers: null },
  });
  expect(await ask(`${server.url}/api/v1/monitoring/metrics`)).toMatchObject({
    code: 503,
    body: {
      status: 'unhealthy',
      jobs: null,
      reason: 'The database does not answer.',
      requests: { since_start: { server_errors: 0 } },
      process: { pid: server.pid },
    },
  });
  expect(await ask(`${server.url}/api/v1/monitoring/tasks`)).toMatchObject({
    code: 503,
    body: { code: 'database_unavailable' },
  });
  expect((await ask(`${server.url}/health`)).code).toBe(200);
  expect((await ask(`${server.url}/health/ready`)).code).toBe(503);

  line.restore();
  expect(await health()).toMatchObject({
    code: 200,
    body: { services: { database: { status: 'healthy' } } },
  });
  await server.line(({ msg, check }) => msg === 'a health check is well again' && check === 'database');
  // Each way in which it failed once for the outage, however often somebody asked.
  const told = server.lines.filter(({ check, level }) => check === 'work' && level === 'warn');
  const kinds = told.map(({ kind }) => kind);
  expect(kinds).toContain('database_unavailable');
  expect(new Set(kinds).size).toBe(kinds.length);
  const said = server.stdout + server.stderr;
  expect(said).toContain('ECONNREFUSED');
  expect(said).not.toContain(password);
});

it('a database that hangs does not hold the answer up, nor hide the rest of it', async () => {
  const server = await start('--server', { DATABASE_URL: line.url });
  line.silence();
  for (const route of ['/api/v1/health', '/api/v1/monitoring/metrics']) {
    const begun = performance.now();
    const { code, body } = await ask(`${server.url}${route}`);
    expect(performance.now() - begun).toBeLessThan(10_000);
    expect({ code, body }).toMatchObject({
      code: 503,
      body: {
        services: { database: { status: 'unhealthy', latency_ms: null }, storage: { status: 'healthy' } },
        workers: null,
      },
    });
  }
  expect((await ask(`${server.url}/health`)).code).toBe(200);
});

it('off loopback without credentials only the status is shown; wrong ones are refused', async () => {
  const server = await start('--server', { DATABASE_URL: db.url, HOST: '0.0.0.0', SIGNALBOX_API_KEY: key });
  const url = server.url.replace('0.0.0.0', '127.0.0.1');
  const anonymous = await ask(`${url}/api/v1/health`);
  expect(anonymous).toMatchObject({ code: 200, body: { status: 'degraded' } });
  expect(Object.keys(anonymous.body)).toEqual(['status', 'timestamp', 'services']);
  for (const service of Object.values(anonymous.body.services as object)) {
    expect(Object.keys(service as object)).toEqual(['status']);
  }
  const admin = await ask(`${url}/admin/health`);
  expect([admin.code, Object.keys(admin.body)]).toEqual([200, ['status', 'timestamp', 'services']]);
  const known = await ask(`${url}/api/v1/health`, { authorization: `Bearer ${key}` });
  expect(known.body).toMatchObject({
    services: { database: { latency_ms: expect.any(Number) } },
    workers: { live: 0 },
    uptime_seconds: expect.any(Number),
  });
  for (const path of ['/api/v1/health', '/admin/health']) {
    expect((await ask(`${url}${path}`, { 'x-api-key': `${key}x` })).code).toBe(401);
  }
  for (const path of ['metrics', 'tasks', 'celery/tasks']) {
    expect((await ask(`${url}/api/v1/monitoring/${path}`)).code).toBe(401);
  }
});

it('a worker that is killed shows: first as live with its jobs, then as lost, and the whole as degraded', async () => {
  const server = await start('--server', { DATABASE_URL: db.url });
  const health = async () => (await ask(`${server.url}/api/v1/health`)).body;
  expect(await health()).toMatchObject({ status: 'degraded', workers: { live: 0 } });
  const worker = await start('--worker', { DATABASE_URL: db.url });
  await expect
    .poll(health, { timeout: 30_000 })
    .toMatchObject({ status: 'healthy', services: { workers: { status: 'healthy' } }, workers: { live: 1 } });
  const [id = ''] = (await ask(`${server.url}/api/v1/monitoring/tasks`)).body.workers as string[];
  expect((await ask(`${server.url}/api/v1/monitoring/tasks`)).body.worker_stats).toMatchObject({
    [id]: { pid: worker.pid, live: true },
  });
  worker.kill('SIGKILL');
  await expect.poll(async () => (await health()).status, { timeout: 45_000 }).toBe('degraded');
  expect(await health()).toMatchObject({
    services: { workers: { status: 'unhealthy' } },
    workers: { live: 0 },
  });
  expect((await ask(`${server.url}/api/v1/monitoring/tasks`)).body.workers).toEqual([]);
});

it('/admin/rq leads to the queues of the console', async () => {
  const server = await start('--server', { DATABASE_URL: db.url });
  const answer = await fetch(`${server.url}/admin/rq`, { redirect: 'manual' });
  expect([answer.status, answer.headers.get('location')]).toEqual([302, '/admin/dashboard/queues']);
});
