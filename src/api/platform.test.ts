import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { walkRoutes } from '../http/routes.js';
import { fuzzCases, jsonCases, judge } from '../http/testing/field-fuzz.js';
import { listen, RawClient } from '../http/testing/raw-client.js';
import { as, createToyServer, type ToyServer } from './testing/toy-server.js';

let toy: ToyServer;
beforeAll(async () => {
  toy = await createToyServer();
});
afterAll(async () => toy.stop());

const get = (url: string, caller = 'admin:root') => toy.app.inject({ url, headers: as(caller) });

describe('health', () => {
  it('GET /health', async () => {
    expect((await get('/health')).body).toBe('{"status":"healthy"}');
  });

  it('GET /health/ready follows the database and its schema', async () => {
    expect((await get('/health/ready')).json()).toEqual({ status: 'healthy', reason: null });
    toy.schema = 'outdated';
    const outdated = await get('/health/ready');
    expect([outdated.statusCode, outdated.json().reason]).toEqual([
      503,
      expect.stringContaining('migrate up'),
    ]);
    toy.schema = 'unreachable';
    const unreachable = await get('/health/ready');
    expect([unreachable.statusCode, unreachable.json()]).toEqual([
      503,
      { status: 'unhealthy', reason: 'The database does not answer.' },
    ]);
    toy.schema = 'current';
  });

  it('GET /health/work names the queue that nobody serves and the command, until a worker comes', async () => {
    expect((await get('/health/work')).json()).toEqual({
      status: 'healthy',
      findings: [],
      measured_at: expect.any(String),
    });
    await toy.engine.enqueue('toy.elsewhere', {});
    const ill = await get('/health/work');
    expect(ill.statusCode).toBe(503);
    expect(ill.json()).toMatchObject({
      status: 'unhealthy',
      findings: [
        {
          code: 'no_live_worker',
          queue: 'elsewhere',
          tasks: ['toy.elsewhere'],
          waiting: 1,
          remedy: 'signalbox start --worker --queues elsewhere',
        },
      ],
    });
    expect((await get('/health/work', 'member:ann')).statusCode).toBe(403);
    await toy.startWorker();
    await expect.poll(async () => (await get('/health/work')).statusCode).toBe(200);
  });
});

describe('overview', () => {
  it('counts every state and lists jobs and workers', async () => {
    const { id } = await toy.engine.enqueue('toy.make', { name: 'seen', colour: 'red' });
    await expect.poll(async () => (await get(`/jobs/${id}`)).json().status).toBe('succeeded');
    const overview = (await get('/api/v1/overview')).json();
    expect(Object.keys(overview.counts)).toEqual([
      'scheduled',
      'blocked',
      'queued',
      'processing',
      'retrying',
      'succeeded',
      'failed',
      'cancelled',
    ]);
    expect(overview.recent_jobs[0]).toMatchObject({
      id,
      status: 'succeeded',
      duration_ms: expect.any(Number),
    });
    expect(overview.recent_jobs[0]).not.toHaveProperty('input');
    expect(overview.workers).toEqual([
      expect.objectContaining({
        live: true,
        queues: null,
        concurrency: 4,
        pid: process.pid,
        heartbeat_age_ms: expect.any(Number),
      }),
    ]);
    expect(overview.findings).toEqual([]);
    expect((await get('/api/v1/overview', 'member:ann')).statusCode).toBe(403);
  });

  it('streams itself at once, and again when something moved', async () => {
    const client = new RawClient(await listen(toy.app));
    client.send('GET /api/v1/overview/stream HTTP/1.1\r\nHost: localhost\r\n\r\n');
    await client.until(/event: overview\ndata: .*\n\n/);
    const { id } = await toy.engine.enqueue('toy.make', { name: 'moved', colour: 'red' });
    await client.until(new RegExp(`"id":"${id}","task":"toy.make","queue":"toys","status":"succeeded"`));
    client.destroy();
  });
});

describe('every route', () => {
  it('declares its permission', () => {
    const routes = walkRoutes(toy.app);
    expect(routes.filter(({ permission }) => permission === undefined)).toEqual([]);
    const open = routes
      .filter(({ permission, url }) => permission === 'public' && !url.startsWith('/docs'))
      .map(({ url }) => url);
    expect([...new Set(open)].sort()).toEqual([
      '/admin/health',
      '/api/v1/health',
      '/health',
      '/health/ready',
      '/openapi.json',
    ]);
  });

  it('refuses every mistake in every field by name, and the process stays well', async () => {
    const make = toy.engine.tasks.require('toy.make');
    const input = jsonCases('/jobs', make.input, { at: 'input', beside: { task: make.name } });
    const cases = [...fuzzCases(toy.app), ...input];
    const titles = cases.map(({ title }) => title).join('\n');
    for (const part of [
      'path id: NUL',
      'query limit: out of range',
      'body task: missing',
      'body run_at: NUL',
      'body input.colour: wrong encoding',
      'body input.surely_unknown: unknown',
      'body tags: too long',
      'form colour: wrong encoding',
    ]) {
      expect(titles).toContain(part);
    }
    const wrong: string[] = [];
    for (const one of cases) {
      const complaint = await judge(toy.app, one);
      if (complaint !== undefined) wrong.push(`${one.title} ${complaint}`);
    }
    expect(wrong).toEqual([]);
    expect((await get('/health/ready')).statusCode).toBe(200);
  });

  it('is described, with a summary, tags and its problems', async () => {
    const { paths, components } = (await get('/openapi.json')).json();
    const described = Object.entries(paths).flatMap(([path, methods]) =>
      Object.entries(methods as Record<string, { summary?: string; tags?: string[] }>).map(
        ([method, operation]) => ({ path, method, ...operation }),
      ),
    );
    expect(described.filter(({ summary, tags }) => !summary || !tags?.length)).toEqual([]);
    expect(Object.keys(components.schemas).sort()).toEqual([
      'AdminHealthReport',
      'Alert',
      'AlertRule',
      'ClaimedJob',
      'ComingJob',
      'Explanation',
      'HealthReport',
      'HistoryPoint',
      'Job',
      'JobCounts',
      'JobEvent',
      'JobLogLine',
      'JobLogPage',
      'JobPage',
      'JobSummary',
      'JobTrace',
      'MonitoringMetrics',
      'NewJobInput',
      'NewSilenceInput',
      'NotificationChannel',
      'NotificationDelivery',
      'NotificationTest',
      'Objective',
      'Overview',
      'Problem',
      'ProcessFigures',
      'QueueCounts',
      'RequestFigures',
      'ServiceHealth',
      'Silence',
      'TaskMonitor',
      'TaskStatistics',
      'WorkFinding',
      'Worker',
      'WorkerCounts',
    ]);
    expect(Object.keys(paths['/jobs'].post.requestBody.content)).toEqual([
      'application/json',
      'multipart/form-data',
      'application/x-www-form-urlencoded',
    ]);
  });
});
