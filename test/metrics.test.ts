import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { metricDeclarations } from '../src/app/modules.js';
import { PermanentError, Snooze } from '../src/engine/failure.js';
import type { JobStatus } from '../src/engine/job.js';
import { claimJobs } from '../src/engine/sql/claim.js';
import { registerWorker } from '../src/engine/sql/workers.js';
import { anyTask } from '../src/engine/testing/harness.js';
import { isSignalboxError } from '../src/foundation/errors.js';
import { newId } from '../src/foundation/ids.js';
import { silentLogger as logger } from '../src/foundation/logger.js';
import { redisInstalled, startRedis, type TestRedis } from '../src/health/testing/redis.js';
import { RawClient } from '../src/http/testing/raw-client.js';
import { MetricsPort } from '../src/telemetry/metrics/port/metrics-port.js';
import {
  type ParsedFamily,
  parseExposition,
  sampleValue,
} from '../src/telemetry/metrics/testing/exposition.js';
import { House } from './support/house.js';

const key = 'a-key-for-the-tests-of-metrics';
const headers = { 'x-api-key': key };
const openMetrics = 'application/openmetrics-text; version=1.0.0';

const ends = anyTask('test.ends', async (input, { job, signal }) => {
  const { how } = input as { how: string };
  if (how === 'badly') throw new PermanentError('no');
  if (how === 'at the second try' && job.attempt === 1) throw new Error('not yet');
  if (how === 'later' && job.attempt === 1) throw new Snooze(1, 'nothing is free');
  if (how === 'never') await new Promise((_resolve, reject) => signal.addEventListener('abort', reject));
});
const paused = anyTask('test.paused', async () => 1, { queue: 'paused' });

let house: House;
let port: MetricsPort;
let redis: TestRedis | undefined;
let families: ReadonlyMap<string, ParsedFamily>;

beforeAll(async () => {
  redis = redisInstalled ? await startRedis() : undefined;
  const watched: Record<string, string> = redis ? { REDIS_URL: `redis://127.0.0.1:${redis.port}` } : {};
  house = await House.open({ SIGNALBOX_API_KEY: key, ...watched }, logger, [ends, paused]);
  port = new MetricsPort({ metrics: house.metrics, host: '127.0.0.1', port: 0, token: undefined, logger });
  await port.start();
  await work();
  // What was read while it worked is a moment old.
  const deadline = performance.now() + 20_000;
  do {
    const answer = await fetch(port.url, { headers: { accept: openMetrics } });
    expect(answer.status).toBe(200);
    families = parseExposition(await answer.text(), 'openmetrics');
  } while (value('signalbox_queue_paused', { queue: 'paused' }) !== 1 && performance.now() < deadline);
});
afterAll(async () => {
  await port.stop();
  await house.close();
  await redis?.stop();
});

function value(name: string, labels: Record<string, string> = {}): number | undefined {
  return sampleValue(families, name, labels);
}

async function until(id: string, status: JobStatus): Promise<void> {
  const deadline = performance.now() + 30_000;
  while ((await house.engine.jobs.get(id)).status !== status) {
    if (performance.now() > deadline) throw new Error(`job ${id} never became ${status}`);
  }
}

const ask = async (path: string, init: RequestInit = {}): Promise<number> => {
  const answer = await fetch(`${house.url}${path}`, { headers, ...init });
  await answer.text();
  return answer.status;
};

/** A bit of everything that a system does. */
async function work(): Promise<void> {
  const { engine } = house;
  const { database } = house.db;
  const enqueue = (input: object, options = {}) => engine.enqueue('test.ends', input, options);

  const waiting = await enqueue({ how: 'well' });
  await ask(`/jobs/${waiting.id}/cancel`, { method: 'POST' });
  await enqueue({ how: 'well' }, { runAt: new Date(Date.now() + 3_600_000) });
  const expired = await enqueue({ how: 'well' }, { expiresAt: new Date(Date.now() + 200) });
  await until(expired.id, 'failed');
  await engine.gates.limit('task', 'test.open', { maxRunning: 5 });
  await engine.gates.limit('queue', 'default', { maxRunning: 50 });
  await engine.schedules.put({ name: 'ails', task: 'test.ends', cron: '@yearly' });
  // Once the leader has looked at it: that begins the count anew.
  const ail = `update signalbox.schedule set failures = 2, last_error = 'no' where name = 'ails' and due_at > now()`;
  while ((await database.query(ail)).rowCount === 0);
  await engine.gates.pause('queue', 'paused');

  const abandoned = await enqueue({ how: 'well' });
  const ghost = {
    id: newId(),
    hostname: 'ghost',
    pid: 1,
    queues: null,
    tasks: ['test.ends'],
    concurrency: 1,
  };
  await registerWorker(database, { ...ghost, leaseMs: 60_000 });
  const wish = {
    workerId: ghost.id,
    queues: null,
    tasks: ghost.tasks,
    limit: 1,
    suspects: true,
    floor: null,
  };
  expect((await claimJobs(database, wish)).taken).toBe(1);
  await database.query(`update signalbox.worker set lease_expires_at = now() where id = $1`, [ghost.id]);

  await house.startWorker();
  await until(abandoned.id, 'succeeded');
  const traceParent = '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01';
  const jobs = [
    [await enqueue({ how: 'well' }, { traceParent }), 'succeeded'],
    [await enqueue({ how: 'badly' }), 'failed'],
    [await enqueue({ how: 'at the second try' }), 'succeeded'],
    [await enqueue({ how: 'later' }), 'succeeded'],
  ] as const;
  for (const [{ id }, status] of jobs) await until(id, status);
  const held = await enqueue({ how: 'never' });
  await until(held.id, 'processing');
  await ask(`/jobs/${held.id}/cancel`, { method: 'POST' });
  await until(held.id, 'cancelled');
  await engine.schedules.put({ name: 'nightly', task: 'test.open', input: { text: 'x' }, cron: '0 3 * * *' });
  const { jobId } = await engine.schedules.runNow('nightly');
  await until(jobId ?? '', 'succeeded');
  await requests(jobId ?? '');
}

/** What every layer lets through or refuses. */
async function requests(id: string): Promise<void> {
  expect(await ask(`/jobs/${id}`)).toBe(200);
  expect(await ask('/jobs', { headers: {} })).toBe(401);
  expect(await ask('/etc/passwd')).toBe(404);
  expect(await ask('/health', { method: 'DELETE' })).toBe(405);
  expect(await ask('/metrics')).toBe(200);
  expect(await ask('/metrics', { headers: {} })).toBe(401);
  const stop = new AbortController();
  const stream = await fetch(`${house.url}/api/v1/overview/stream`, { headers, signal: stop.signal });
  await stream.body?.getReader().read();
  stop.abort();
  const raw = new RawClient(Number(new URL(house.url).port)).send('NONSENSE\r\n\r\n');
  await raw.until(/HTTP\/1.1 400/);
  await raw.closed;
}

describe('a system that has done work', () => {
  it('has written every metric that is declared', () => {
    const silent = metricDeclarations.filter(
      ({ name, type }) =>
        !families.get(type === 'counter' ? name.replace(/_total$/, '') : name)?.samples.length,
    );
    // Without a Redis to ask there is nothing to tell of it.
    const unasked = redisInstalled ? [] : ['signalbox_redis_up', 'signalbox_redis_ping_seconds'];
    expect(silent.map(({ name }) => name)).toEqual(unasked);
  });

  it('has written no other, as it was declared, with no other label, and no value beyond its bound', () => {
    const faults: string[] = [];
    for (const { name, type, samples } of families.values()) {
      if (/^(process|nodejs)_/.test(name)) continue;
      const full = type === 'counter' ? `${name}_total` : name;
      const metric = metricDeclarations.find((one) => one.name === full && one.type === type);
      if (metric === undefined) {
        faults.push(`${full} is not declared as a ${type}`);
        continue;
      }
      for (const [label, rule] of Object.entries(metric.labels)) {
        const values = new Set(samples.map(({ labels }) => labels[label] ?? '(none)'));
        const strange =
          'values' in rule
            ? [...values].filter((one) => !rule.values.includes(one))
            : [...values].filter((one) => one === 'other' || one === '(none)');
        if (strange.length > 0) faults.push(`${full}: ${label} is ${strange.join(', ')}`);
        if ('atMost' in rule && values.size > rule.atMost) faults.push(`${full}: too many of ${label}`);
      }
      const known = [...Object.keys(metric.labels), ...(type === 'histogram' ? ['le'] : [])];
      for (const { labels } of samples)
        for (const label of Object.keys(labels)) if (!known.includes(label)) faults.push(`${full}: ${label}`);
    }
    expect(faults).toEqual([]);
  });

  it('has no id and no path in any label but those of workers', () => {
    for (const { samples } of families.values()) {
      for (const { labels } of samples) {
        for (const [label, text] of Object.entries(labels)) {
          if (label === 'worker') continue;
          expect(text, label).not.toMatch(/[0-9a-f]{8}-[0-9a-f]{4}-|passwd/);
        }
      }
    }
  });

  it('counts what happened', () => {
    const lane = { queue: 'default', task: 'test.ends' };
    const finished = (outcome: string, reason: string) =>
      value('signalbox_jobs_finished_total', { ...lane, outcome, reason });
    expect(value('signalbox_jobs_enqueued_total', lane)).toBe(9);
    expect(finished('succeeded', 'none')).toBe(4);
    expect(finished('failed', 'permanent_error')).toBe(1);
    expect(finished('failed', 'expired')).toBe(1);
    expect(finished('cancelled', 'cancelled')).toBe(2);
    const attempts = (result: string) => value('signalbox_job_attempts_total', { ...lane, result });
    expect(attempts('retrying')).toBe(1);
    expect(attempts('snoozed')).toBe(1);
    expect(attempts('succeeded')).toBe(4);
    expect(value('signalbox_job_retries_total', { ...lane, reason: 'error' })).toBe(1);
    expect(value('signalbox_jobs_rescued_total', lane)).toBe(1);
    expect(value('signalbox_job_run_seconds_count', lane)).toBe(8);
    expect(value('signalbox_job_wait_seconds_count', lane)).toBe(8);
    expect(value('signalbox_queue_jobs', { queue: 'default', state: 'scheduled' })).toBe(1);
    expect(value('signalbox_queue_jobs', { queue: 'default', state: 'failed' })).toBe(2);
    expect(value('signalbox_queue_jobs', { queue: 'paused', state: 'queued' })).toBe(0);
    expect(value('signalbox_queue_concurrency_limit', { queue: 'default' })).toBe(50);
    expect(value('signalbox_task_concurrency_limit', { task: 'test.open' })).toBe(5);
    expect(value('signalbox_workers', { queue: 'default' })).toBe(1);
    expect(value('signalbox_leader')).toBe(1);
    expect(value('signalbox_schedule_next_run_timestamp_seconds')).toBeGreaterThan(Date.now() / 1_000);
    expect(value('signalbox_schedule_last_success_timestamp_seconds')).toBeGreaterThan(0);
  });

  it('counts requests, those that never came to a route as well', () => {
    const requests = (method: string, route: string, status: string) =>
      value('http_requests_total', { method, route, status });
    expect(requests('GET', '/jobs/:id', '200')).toBe(1);
    expect(requests('GET', '/jobs', '401')).toBe(1);
    expect(requests('GET', 'unmatched', '404')).toBe(1);
    expect(requests('DELETE', 'unmatched', '405')).toBe(1);
    expect(requests('other', 'malformed', '400')).toBe(1);
    expect(requests('POST', '/jobs/:id/cancel', '200')).toBe(2);
    const stream = { method: 'GET', route: '/api/v1/overview/stream', status: '200' };
    expect(value('http_requests_total', stream)).toBe(1);
    expect(value('http_request_duration_seconds_count', stream)).toBeUndefined();
  });
});

describe('GET /metrics', () => {
  it('answers in both formats, each under its name', async () => {
    const plain = await fetch(`${house.url}/metrics`, { headers });
    expect(plain.headers.get('content-type')).toBe('text/plain; version=0.0.4; charset=utf-8');
    expect(parseExposition(await plain.text(), 'prometheus').size).toBeGreaterThan(40);
    const open = await fetch(`${house.url}/metrics`, { headers: { ...headers, accept: openMetrics } });
    expect(open.headers.get('content-type')).toBe(
      'application/openmetrics-text; version=1.0.0; charset=utf-8',
    );
    const found = parseExposition(await open.text(), 'openmetrics');
    const traced = found.get('signalbox_job_run_seconds')?.samples.flatMap(({ exemplar }) => exemplar ?? []);
    expect(traced?.map(({ labels }) => labels)).toEqual([{ trace_id: '0af7651916cd43dd8448eb211c80319c' }]);
    expect((await fetch(`${house.url}/metrics`, { method: 'HEAD', headers })).status).toBe(200);
  });

  it('is refused to who may not read the system', async () => {
    const answer = await fetch(`${house.url}/metrics`);
    expect(answer.status).toBe(401);
    expect(await answer.json()).toMatchObject({ code: 'credentials_missing' });
  });
});

describe('METRICS_PORT', () => {
  const open = async (token: string | undefined, at = 0): Promise<MetricsPort> => {
    const options = { metrics: house.metrics, host: '127.0.0.1', port: at, token, logger };
    const made = new MetricsPort(options);
    await made.start();
    return made;
  };

  it('serves one page, to names of this machine only', async () => {
    expect((await fetch(port.url)).headers.get('content-type')).toContain('version=0.0.4');
    expect((await fetch(port.url, { method: 'HEAD' })).status).toBe(200);
    expect((await fetch(port.url, { method: 'POST', body: 'x' })).status).toBe(405);
    expect((await fetch(port.url.replace('/metrics', '/jobs'))).status).toBe(404);
    const strange = new RawClient(Number(new URL(port.url).port));
    strange.send('GET /metrics HTTP/1.1\r\nHost: evil.test\r\nConnection: close\r\n\r\n');
    expect(await strange.until(/HTTP\/1.1 \d+/)).toContain('421');
    await strange.closed;
  });

  it('asks for its token once it has one', async () => {
    const token = 'a-token-for-scrapers';
    const guarded = await open(token);
    try {
      const status = async (authorization?: string) =>
        (await fetch(guarded.url, authorization === undefined ? {} : { headers: { authorization } })).status;
      expect(await status()).toBe(401);
      expect(await status(`Bearer ${token}x`)).toBe(401);
      expect(await status(`Basic ${token}`)).toBe(401);
      expect(await status(`Bearer ${token}`)).toBe(200);
    } finally {
      await guarded.stop();
    }
  });

  it('says so when its address is taken, and leaves nothing behind', async () => {
    const taken = Number(new URL(port.url).port);
    await expect(open(undefined, taken)).rejects.toSatisfy((error) =>
      isSignalboxError(error, 'metrics_port_unavailable'),
    );
    expect((await fetch(port.url)).status).toBe(200);
  });
});
