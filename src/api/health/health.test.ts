import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { gate } from '../../engine/testing/harness.js';
import type { Worker } from '../../engine/worker.js';
import { freePort, redisInstalled, startRedis, type TestRedis } from '../../health/testing/redis.js';
import { differences, guideExamples } from '../testing/guide-examples.js';
import { as, createToyServer, type ToyServer } from '../testing/toy-server.js';

let toy: ToyServer;
let redis: TestRedis | undefined;
let worker: Worker;
/** What the check of the storage runs into. */
let storage: () => Promise<void>;
const well = async () => {};
const ill = (error: Error) => async () => {
  throw error;
};

beforeAll(async () => {
  const port = await freePort();
  if (redisInstalled) redis = await startRedis({ port });
  storage = well;
  toy = await createToyServer({
    checks: [{ name: 'storage', essential: false, run: () => storage() }],
    ...(redis === undefined ? {} : { redisUrl: `redis://127.0.0.1:${port}` }),
  });
  worker = await toy.startWorker();
});
afterAll(async () => {
  await toy.stop();
  await redis?.stop();
});

const get = (url: string, caller = 'admin:root') => toy.app.inject({ url, headers: as(caller) });
const health = async (caller?: string) => (await get('/api/v1/health', caller)).json();
const routes = ['/api/v1/health', '/admin/health'] as const;
const time = expect.stringMatching(/^\d{4}-\d\d-\d\dT.*Z$/);

/** Paths of numbers beside which, or on the way to which, no time of their measurement stands. */
function ageless(json: unknown, path = '', aged = false): string[] {
  if (typeof json === 'number') return aged ? [] : [path];
  if (typeof json !== 'object' || json === null) return [];
  const here = aged || 'measured_at' in json;
  return Object.entries(json).flatMap(([key, value]) => ageless(value, `${path}.${key}`, here));
}

describe.runIf(redisInstalled)('the answers of the guides', () => {
  it.each(['/health', '/api/v1/health', '/admin/health'] as const)(
    '%s has every field of them',
    async (url) => {
      const answer = await get(url);
      expect(answer.statusCode).toBe(200);
      expect(differences(guideExamples[url], answer.json())).toEqual([]);
    },
  );

  it('has them when Redis is away: degraded, which is 200', async () => {
    const { port } = redis ?? { port: 0 };
    await redis?.stop();
    const answer = await get('/api/v1/health');
    redis = await startRedis({ port });
    expect([answer.statusCode, answer.json().status]).toEqual([200, 'degraded']);
    expect(differences(guideExamples.redisAway, answer.json())).toEqual([]);
    expect((await health()).services.redis.status).toBe('healthy');
  });
});

describe('a whole answer', () => {
  it('GET /api/v1/health: every service, workers, queues, uptime', async () => {
    const answer = await health();
    expect(Object.keys(answer.services).filter((name) => name !== 'redis')).toEqual([
      'database',
      'workers',
      'queues',
      'storage',
    ]);
    expect(answer.services.database).toEqual({
      status: 'healthy',
      latency_ms: expect.any(Number),
      measured_at: time,
      essential: true,
    });
    expect(answer.services.storage.essential).toBe(false);
    expect(answer.workers).toEqual({ live: 1, draining: 0, lost: 0, slots: 4, busy: 0, measured_at: time });
    expect(answer.queues.elsewhere).toEqual({
      queued: 0,
      scheduled: 0,
      retrying: 0,
      processing: 0,
      oldest_waiting_ms: null,
      workers: 1,
      paused: false,
      measured_at: time,
    });
    expect(Number.isInteger(answer.uptime_seconds)).toBe(true);
  });

  it('GET /admin/health: one word for each service, the rest beside it', async () => {
    const answer = (await get('/admin/health')).json();
    expect(answer.services).toMatchObject({ database: 'healthy', workers: 'healthy', storage: 'healthy' });
    expect(answer.workers).toMatchObject({ estimated_active: 1, live: 1 });
    expect(Object.keys(answer.checks)).toEqual(Object.keys(answer.services));
    expect(answer.checks.database.latency_ms).toEqual(expect.any(Number));
  });

  it.each(routes)('%s gives every number its age', async (url) => {
    const { uptime_seconds, timestamp, ...rest } = (await get(url)).json();
    expect([uptime_seconds, timestamp]).toEqual([expect.any(Number), time]);
    expect(ageless(rest)).toEqual([]);
  });
});

describe('who may see what', () => {
  it.each(routes)('%s: only the status of each service without credentials', async (url) => {
    const answer = await toy.app.inject(url);
    expect(answer.statusCode).toBe(200);
    const { status, timestamp, services, ...others } = answer.json();
    expect([status, timestamp, others]).toEqual(['healthy', time, {}]);
    for (const service of Object.values(services)) {
      expect(service).toEqual(url === '/admin/health' ? 'healthy' : { status: 'healthy' });
    }
  });

  it('and with those of somebody who may not read the system', async () => {
    const answer = await health('member:ann');
    expect(Object.keys(answer)).toEqual(['status', 'timestamp', 'services']);
    expect(answer.services.database).toEqual({ status: 'healthy' });
    expect(Object.keys(await health('viewer:vi'))).toContain('workers');
  });

  it('no text of others, whoever asks', async () => {
    storage = ill(new Error('EACCES /srv/secret'));
    const bodies = [(await get('/api/v1/health')).body, (await toy.app.inject('/admin/health')).body];
    storage = well;
    expect(bodies[0]).toContain('The check failed; the log says why.');
    expect(bodies.join()).not.toContain('secret');
  });
});

describe('what is wrong', () => {
  it('is seen at once, and so is its end', async () => {
    for (let times = 0; times < 3; times += 1) {
      storage = ill(new Error('away'));
      expect((await health()).status).toBe('degraded');
      storage = well;
      expect((await health()).status).toBe('healthy');
    }
  });

  it('of a check that hangs: it is given up, and the others have their answers', async () => {
    const held = gate();
    storage = () => held.passed;
    const answer = await get('/api/v1/health');
    storage = well;
    held.open();
    expect([answer.statusCode, answer.json()]).toMatchObject([
      200,
      {
        status: 'degraded',
        services: {
          database: { status: 'healthy', latency_ms: expect.any(Number) },
          workers: { status: 'healthy' },
          storage: { status: 'unhealthy', latency_ms: null, error: 'no answer within 2000 ms' },
        },
      },
    ]);
  });

  it('in a queue: work that nobody can do, with the remedy', async () => {
    const server = await createToyServer();
    try {
      await server.engine.enqueue('toy.elsewhere', {});
      const answer = (await server.app.inject({ url: '/api/v1/health', headers: as('admin:root') })).json();
      expect(answer).toMatchObject({
        status: 'degraded',
        services: {
          database: { status: 'healthy' },
          workers: { status: 'unhealthy', error: expect.stringContaining('signalbox start --worker') },
          queues: {
            status: 'unhealthy',
            error: expect.stringContaining('signalbox start --worker --queues elsewhere'),
          },
        },
        workers: { live: 0, slots: 0 },
        queues: { elsewhere: { queued: 1, workers: 0, oldest_waiting_ms: expect.any(Number) } },
      });
    } finally {
      await server.stop();
    }
  });

  it('with the workers: all draining is degraded, none left is unhealthy', async () => {
    await toy.engine.enqueue('toy.held', {});
    await expect.poll(async () => (await health()).workers.busy).toBe(1);
    await toy.engine.instructWorker(worker.id ?? '', { drain: true });
    expect(await health()).toMatchObject({
      status: 'degraded',
      services: { workers: { status: 'degraded', error: expect.stringContaining('draining') } },
      workers: { live: 1, draining: 1 },
    });
    toy.release();
    await worker.stop();
    expect(await health()).toMatchObject({
      status: 'degraded',
      services: { workers: { status: 'unhealthy' } },
      workers: { live: 0, draining: 0 },
    });
  });
});
