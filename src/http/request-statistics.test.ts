import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { silentLogger } from '../foundation/logger.js';
import { createAuthenticator } from '../identity/authenticator.js';
import { createHttpApp, type HttpApp } from './app.js';
import { RequestStatistics } from './request-statistics.js';

describe('RequestStatistics', () => {
  it('knows nothing, rather than 0 or 100, before the first request', () => {
    expect(new RequestStatistics().recent()).toMatchObject({
      total: 0,
      samples: 0,
      errorRatio: null,
      meanMs: null,
      p95Ms: null,
    });
  });

  it('counts errors, and times with their samples', () => {
    const statistics = new RequestStatistics();
    for (let ms = 1; ms <= 100; ms += 1) statistics.count(ms > 98 ? 500 : ms > 90 ? 404 : 200, ms);
    statistics.count(200, null);
    const figures = statistics.sinceStart();
    expect(figures).toMatchObject({
      total: 101,
      samples: 100,
      clientErrors: 8,
      serverErrors: 2,
      errorRatio: 2 / 101,
      meanMs: 50.5,
    });
    expect(figures.p95Ms).toBeGreaterThan(95 * 0.9);
    expect(figures.p95Ms).toBeLessThan(95 * 1.1);
    expect(statistics.recent()).toMatchObject({ total: 101, meanMs: 50.5 });
  });

  it('forgets what is older than five minutes, and remembers it since the start', () => {
    let now = 1_000_000_000_000;
    const statistics = new RequestStatistics(() => now);
    statistics.count(500, 1);
    now += 4 * 60_000;
    statistics.count(200, 1);
    expect(statistics.recent()).toMatchObject({
      total: 2,
      errorRatio: 0.5,
      since: new Date(1_000_000_000_000),
    });
    now += 70_000;
    expect(statistics.recent()).toMatchObject({ total: 1, errorRatio: 0, since: new Date(now - 300_000) });
    now += 24 * 3_600_000;
    expect(statistics.recent()).toMatchObject({ total: 0, errorRatio: null });
    expect(statistics.sinceStart()).toMatchObject({ total: 2, serverErrors: 1 });
  });

  it('is right for the quickest and the slowest', () => {
    const statistics = new RequestStatistics();
    statistics.count(200, 0);
    expect(statistics.sinceStart().p95Ms).toBeLessThan(0.1);
    for (let times = 0; times < 99; times += 1) statistics.count(200, 3_600_000);
    expect(statistics.sinceStart().p95Ms).toBeGreaterThan(60_000);
  });
});

describe('an application', () => {
  let app: HttpApp;
  beforeAll(async () => {
    const authenticator = createAuthenticator({ apiKey: 'a-key-of-this-test' });
    app = await createHttpApp({ logger: silentLogger, authenticator, version: '0.0.0' });
    app.get('/well', { config: { permission: 'public' } }, async () => ({}));
    app.get('/closed', { config: { permission: 'jobs:read' } }, async () => ({}));
    app.get('/watch', { config: { permission: 'public', watches: true } }, async () => ({}));
    app.get('/ill', { config: { permission: 'public' } }, async () => {
      throw new Error('no');
    });
    app.get('/stream', { config: { permission: 'public' } }, (_request, reply) =>
      reply.type('text/event-stream').send('data: 1\n\n'),
    );
  });
  afterAll(() => app.close());

  it('counts what it refuses before its routes too, and not those who watch it', async () => {
    const urls = ['/well', '/closed', '/nothing', '/%ff', '/ill', '/stream', '/watch'];
    const codes = [];
    for (const url of urls) codes.push((await app.inject(url)).statusCode);
    expect(codes).toEqual([200, 401, 404, 400, 500, 200, 200]);
    const figures = { total: 6, clientErrors: 3, serverErrors: 1, samples: 5 };
    expect(app.requestStatistics.sinceStart()).toMatchObject(figures);
  });
});
