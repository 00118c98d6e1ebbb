import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { walkRoutes } from '../src/http/routes.js';
import { fuzzCases, jsonCases, judge } from '../src/http/testing/field-fuzz.js';
import { House } from './support/house.js';

let house: House;
beforeAll(async () => {
  house = await House.open();
});
afterAll(() => house.close());

const open = [
  '/health',
  '/health/ready',
  '/api/v1/health',
  '/admin/health',
  '/admin/rq',
  '/openapi.json',
  '/docs',
  '/admin/dashboard',
];

describe('every route of the running application', () => {
  it('declares its permission, and only what has no data is public', () => {
    const routes = walkRoutes(house.app);
    expect(routes.length).toBeGreaterThan(20);
    for (const { method, url, permission } of routes) {
      expect(permission, `${method} ${url}`).toMatch(/^(public|[a-z]+:[a-z]+)$/);
      if (permission === 'public')
        expect(
          open.some((path) => url.startsWith(path)),
          `${url} is public`,
        ).toBe(true);
    }
  });

  it('asks for a key once there is one, and takes no wrong one', async () => {
    const key = 'a-key-for-the-tests-of-routes';
    const guarded = await House.open({ SIGNALBOX_API_KEY: key });
    try {
      for (const { method, url, permission } of walkRoutes(guarded.app)) {
        if (permission === 'public') continue;
        const path = url.replace(/:\w+/g, '0198c0de-0000-7000-8000-000000000000').replace('*', 'x');
        const request = { method: method as 'GET', url: path };
        expect((await guarded.app.inject(request)).statusCode, `${method} ${url} without a key`).toBe(401);
        const wrong = await guarded.app.inject({ ...request, headers: { authorization: `Bearer ${key}x` } });
        expect(wrong.statusCode, `${method} ${url} with a wrong key`).toBe(401);
      }
      const answer = await guarded.app.inject({ url: '/jobs', headers: { 'x-api-key': key } });
      expect(answer.statusCode).toBe(200);
    } finally {
      await guarded.close();
    }
  });

  it('names the field in every way to get it wrong, and stays well', async () => {
    const cases = fuzzCases(house.app);
    for (const task of house.engine.tasks.list()) {
      if (task.open === undefined) continue;
      cases.push(...jsonCases('/jobs', task.input, { at: 'input', beside: { task: task.name } }));
    }
    expect(cases.length).toBeGreaterThan(150);
    const wrong: string[] = [];
    for (const one of cases) {
      const verdict = await judge(house.app, one);
      if (verdict !== undefined) wrong.push(`${one.title}: ${verdict}`);
    }
    expect(wrong).toEqual([]);
    expect((await fetch(`${house.url}/health/ready`)).status).toBe(200);
    expect((await house.engine.jobs.counts()).queued).toBe(0);
  });

  it('answers with its request id and its time, errors included', async () => {
    for (const path of ['/health', '/jobs', '/nothing', '/jobs/nonsense', '/admin/dashboard']) {
      const answer = await fetch(`${house.url}${path}`, { headers: { 'x-request-id': 'mine-1' } });
      expect(answer.headers.get('x-request-id'), path).toBe('mine-1');
      expect(answer.headers.get('x-response-time'), path).toMatch(/^\d+(\.\d+)?ms$/);
    }
  });

  it('is in the OpenAPI document, but for pages and files', async () => {
    const document = (await (await fetch(`${house.url}/openapi.json`)).json()) as {
      paths: Record<string, object>;
    };
    const described = Object.entries(document.paths)
      .flatMap(([path, item]) => Object.keys(item).map((method) => `${method.toUpperCase()} ${path}`))
      .filter((route) => !route.startsWith('HEAD') && route !== 'GET /openapi.json');
    const registered = walkRoutes(house.app)
      .filter(
        ({ schema, method, url }) =>
          schema.hide !== true && method !== 'HEAD' && !/^\/(docs|openapi)/.test(url),
      )
      .map(({ method, url }) => `${method} ${url.replace(/:(\w+)/g, '{$1}')}`);
    expect(described.sort()).toEqual(registered.sort());
    expect((await fetch(`${house.url}/docs`)).status).toBe(200);
  });
});

describe('health', () => {
  it('has the guides’ shapes', async () => {
    await house.startWorker();
    expect(await (await fetch(`${house.url}/health`)).json()).toEqual({ status: 'healthy' });
    expect(await (await fetch(`${house.url}/api/v1/health`)).json()).toMatchObject({
      status: 'healthy',
      timestamp: expect.stringMatching(/^\d{4}-\d\d-\d\dT/),
      services: {
        database: { status: 'healthy', latency_ms: expect.any(Number) },
        storage: { status: 'healthy', latency_ms: expect.any(Number) },
      },
    });
  });
});
