import { afterEach, describe, expect, it } from 'vitest';
import { type Line, openLine } from '../../engine/testing/line.js';
import { type Logger, silentLogger } from '../../foundation/logger.js';
import { HealthService } from '../service.js';
import { freePort, redisInstalled, startRedis, type TestRedis } from '../testing/redis.js';
import { type RedisCheckOptions, redisCheck } from './redis.js';

const password = 'the-password-of-redis';
const undo: (() => Promise<unknown>)[] = [];
afterEach(async () => {
  for (const step of undo.splice(0).reverse()) await step();
});

/** A line to a Redis, real or none at all, so that what the check leaves open can be counted. */
async function lineTo(port: number): Promise<Line> {
  const line = await openLine(`redis://:${password}@127.0.0.1:${port}`);
  undo.push(() => line.close());
  return line;
}

async function redis(port?: number): Promise<TestRedis> {
  const server = await startRedis({ password, ...(port === undefined ? {} : { port }) });
  undo.push(() => server.stop());
  return server;
}

function watch(options: RedisCheckOptions, { timeoutMs = 30_000, logger = silentLogger } = {}) {
  const health = new HealthService({ checks: [redisCheck(options)], timeoutMs, logger });
  return async () => {
    const { status, checks } = await health.report();
    const [check] = checks;
    return { whole: status, status: check?.status, latency: check?.latencyMs, error: check?.error };
  };
}

const nothingOpen = async (line: Line) => expect.poll(() => line.open, { timeout: 10_000 }).toBe(0);
const away = { whole: 'degraded', status: 'unhealthy', latency: null };

describe.runIf(redisInstalled)('a Redis that is there', () => {
  it('is healthy, and nothing of the check is left behind', async () => {
    const line = await lineTo((await redis()).port);
    const ask = watch({ url: line.url });
    for (let times = 0; times < 3; times += 1) {
      const answer = await ask();
      expect(answer).toMatchObject({ whole: 'healthy', status: 'healthy', error: null });
      expect(answer.latency).toBeGreaterThan(0);
      await nothingOpen(line);
    }
  });

  it('goes away and comes back: seen at once, both times', async () => {
    const first = await redis();
    const ask = watch({ url: `redis://:${password}@127.0.0.1:${first.port}` });
    expect((await ask()).status).toBe('healthy');
    await first.stop();
    expect(await ask()).toMatchObject(away);
    await redis(first.port);
    expect((await ask()).status).toBe('healthy');
  });

  it('is unhealthy while it is frozen, and no connection waits for it', async () => {
    const server = await redis();
    const line = await lineTo(server.port);
    const ask = watch({ url: line.url }, { timeoutMs: 1_000 });
    server.pause();
    expect(await ask()).toMatchObject({ ...away, error: 'no answer within 1000 ms' });
    await nothingOpen(line);
    server.resume();
    await expect.poll(async () => (await ask()).status, { timeout: 20_000 }).toBe('healthy');
  });

  it('is unhealthy when it refuses the password, which is told to nobody', async () => {
    const { port } = await redis();
    const said: unknown[] = [];
    const warn: Logger['warn'] = (...line) => said.push(line);
    const logger = { ...silentLogger, warn };
    const ask = watch({ url: `redis://:wrong-${password}@127.0.0.1:${port}` }, { logger });
    const answer = await ask();
    expect(answer).toMatchObject({ ...away, error: 'Redis does not answer a PING; the log says why.' });
    expect(JSON.stringify(said)).toContain('WRONGPASS');
    expect(JSON.stringify([answer, said])).not.toContain(password);
  });
});

describe('a Redis that is not there', () => {
  it('is unhealthy at once when its port refuses', async () => {
    const ask = watch({ url: `redis://127.0.0.1:${await freePort()}` });
    const answer = await ask();
    expect(answer).toMatchObject({ ...away, error: 'Redis does not answer a PING; the log says why.' });
  });

  it('is unhealthy after the time-out when nobody answers, and no connection waits for it', async () => {
    const line = await lineTo(await freePort());
    line.silence();
    const ask = watch({ url: line.url }, { timeoutMs: 300 });
    expect(await ask()).toMatchObject({ ...away, error: 'no answer within 300 ms' });
    await nothingOpen(line);
  });

  it('is unhealthy when the connection ends before the answer, and is not tried again unasked', async () => {
    const line = await lineTo(await freePort());
    line.refuse();
    const timers = () => process.getActiveResourcesInfo().filter((name) => name === 'Timeout').length;
    const before = timers();
    expect(await watch({ url: line.url })()).toMatchObject(away);
    await nothingOpen(line);
    await expect.poll(timers).toBeLessThanOrEqual(before);
  });

  it('is degraded, with the remedy, when the package is missing', async () => {
    const ask = watch({ url: 'redis://127.0.0.1:1', load: () => import('surely-not-installed' as string) });
    expect(await ask()).toEqual({
      whole: 'degraded',
      status: 'degraded',
      latency: null,
      error: expect.stringContaining('npm install @redis/client'),
    });
  });
});
