import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { z } from 'zod';
import { Engine } from '../../engine/engine.js';
import { isFinal } from '../../engine/job.js';
import { task } from '../../engine/task.js';
import { silentLogger } from '../../foundation/logger.js';
import { as, createToyServer, type ToyServer } from '../testing/toy-server.js';

let toy: ToyServer;
let worker: { readonly id: string };
beforeAll(async () => {
  toy = await createToyServer();
});
afterAll(async () => toy.stop());

const tasksUrl = '/api/v1/monitoring/tasks';
const metricsUrl = '/api/v1/monitoring/metrics';
const get = (url: string, caller = 'admin:root') => toy.app.inject({ url, headers: as(caller) });
const json = async (url: string) => (await get(url)).json();
const time = expect.stringMatching(/^\d{4}-\d\d-\d\dT.*Z$/);

describe('before there is anything to measure', () => {
  it('unknown is null: never 0, never 100', async () => {
    const { requests } = await json(metricsUrl);
    expect(requests.recent).toEqual({
      since: time,
      total: 0,
      client_errors: 0,
      server_errors: 0,
      error_ratio: null,
      samples: 0,
      mean_ms: null,
      p95_ms: null,
    });
    const { task_stats } = await json(tasksUrl);
    expect(task_stats['toy.make']).toMatchObject({ succeeded: 0, oldest_waiting_ms: null, sample: null });
  });

  it('no worker is not well', async () => {
    expect(await json(metricsUrl)).toMatchObject({
      status: 'degraded',
      services: { workers: { status: 'unhealthy' } },
      workers: { live: 0, slots: 0, busy: 0 },
    });
    expect(await json(tasksUrl)).toMatchObject({ workers: [], active_tasks: {}, worker_stats: {} });
  });
});

describe('tasks', () => {
  const held: string[] = [];

  it('are read while a worker has some and others wait', async () => {
    worker = { id: (await toy.startWorker()).id ?? '' };
    for (const name of ['one', 'two', 'bad']) await toy.engine.enqueue('toy.make', { name, colour: 'red' });
    await expect
      .poll(async () => (await toy.engine.jobs.list({ limit: 10 })).every(({ status }) => isFinal(status)))
      .toBe(true);
    for (let n = 0; n < 6; n += 1) held.push((await toy.engine.enqueue('toy.held', {})).id);
    const runAt = new Date(Date.now() + 3_600_000);
    await toy.engine.enqueue('toy.elsewhere', {}, { runAt });
    await expect.poll(async () => (await json(tasksUrl)).active_tasks[worker.id]).toHaveLength(4);
  });

  it('has the fields of the dashboards it replaces, by worker', async () => {
    const answer = await json(tasksUrl);
    expect(answer).toMatchObject({
      measured_at: time,
      workers: [worker.id],
      worker_stats: { [worker.id]: { live: true, concurrency: 4, pid: process.pid, heartbeat_at: time } },
      registered_tasks: ['toy.elsewhere', 'toy.held', 'toy.make'],
    });
    expect(answer.active_tasks[worker.id][0]).toEqual({
      id: expect.any(String),
      task: 'toy.held',
      queue: 'default',
      attempt: 1,
      claimed_at: time,
    });
    const claimed = [...answer.active_tasks[worker.id], ...answer.reserved_tasks[worker.id]];
    for (const { id } of claimed) expect(held).toContain(id);
    expect(answer.scheduled_tasks).toEqual({
      elsewhere: [
        {
          id: expect.any(String),
          task: 'toy.elsewhere',
          queue: 'elsewhere',
          attempt: 0,
          status: 'scheduled',
          run_at: time,
        },
      ],
    });
  });

  it('has true statistics by task, with their samples', async () => {
    const { task_stats } = await json(tasksUrl);
    expect(task_stats['toy.make']).toMatchObject({
      succeeded: 2,
      failed: 1,
      queued: 0,
      sample: { judged: 3, success_ratio: 2 / 3, timed: 2, mean_ms: expect.any(Number), since: time },
    });
    const { queued, processing, sample } = task_stats['toy.held'];
    expect([queued + processing, sample]).toEqual([6, null]);
    expect(task_stats['toy.elsewhere']).toMatchObject({ scheduled: 1, queued: 0, oldest_waiting_ms: null });
  });

  it('tells how long the oldest job that waits has been ready', async () => {
    await toy.engine.gates.pause('queue', 'toys');
    const { id, createdAt } = await toy.engine.enqueue('toy.make', { name: 'waits', colour: 'blue' });
    const before = Date.now() - createdAt.getTime();
    const { queues } = await json(metricsUrl);
    expect(queues.toys).toMatchObject({ queued: 1, paused: true });
    expect(queues.toys.oldest_waiting_ms).toBeGreaterThanOrEqual(before - 50);
    expect(queues.toys.oldest_waiting_ms).toBeLessThanOrEqual(Date.now() - createdAt.getTime() + 50);
    expect((await json(tasksUrl)).task_stats['toy.make'].oldest_waiting_ms).toBeGreaterThanOrEqual(
      before - 50,
    );
    await toy.engine.jobs.cancel(id);
  });

  it('shows no input, result or error of a job', async () => {
    const { body } = await get(tasksUrl);
    for (const word of ['input', 'result', 'colour', 'no such toy', 'traceback', 'stack']) {
      expect(body).not.toContain(word);
    }
  });

  it('answers the other spelling with the same', async () => {
    const other = await json('/api/v1/monitoring/celery/tasks');
    expect(Object.keys(other)).toEqual(Object.keys(await json(tasksUrl)));
    expect(other.workers).toEqual([worker.id]);
  });

  it.each([tasksUrl, '/api/v1/monitoring/celery/tasks', metricsUrl])('%s needs system:read', async (url) => {
    expect((await get(url, 'member:ann')).statusCode).toBe(403);
    expect((await get(url, 'viewer:vi')).statusCode).toBe(200);
  });

  it('keeps apart queues whose names every object has', async () => {
    const queue = 'constructor';
    const odd = task({ name: 'toString', queue, input: z.strictObject({}), run: async () => null });
    const other = new Engine({ database: toy.db.database, tasks: [odd], logger: silentLogger });
    await other.enqueue(odd, {}, { runAt: new Date(Date.now() + 3_600_000) });
    expect((await json(metricsUrl)).queues).toMatchObject({ [queue]: { scheduled: 1, processing: 0 } });
    const { scheduled_tasks, task_stats } = await json(tasksUrl);
    expect(scheduled_tasks[queue]).toHaveLength(1);
    expect(task_stats.toString).toMatchObject({ scheduled: 1, oldest_waiting_ms: null });
  });
});

describe('metrics', () => {
  it('counts requests, and leaves out its own', async () => {
    const { requests: before } = await json(metricsUrl);
    for (const url of ['/jobs', '/jobs/nonsense', '/health', '/health/ready', metricsUrl]) await get(url);
    const { requests } = await json(metricsUrl);
    expect(requests.since_start.total - before.since_start.total).toBe(2);
    expect(requests.since_start.client_errors - before.since_start.client_errors).toBe(1);
    expect(requests.recent).toMatchObject({
      error_ratio: 0,
      mean_ms: expect.any(Number),
      p95_ms: expect.any(Number),
    });
    expect(requests.recent.samples).toBe(requests.recent.total);
    expect(requests.measured_at).toEqual(time);
  });

  it('has services, jobs, queues, the process and its connections', async () => {
    const answer = await json(metricsUrl);
    expect(Object.keys(answer)).toEqual([
      'status',
      'timestamp',
      'uptime_seconds',
      'services',
      'workers',
      'queues',
      'jobs',
      'reason',
      'requests',
      'process',
      'database',
    ]);
    expect(answer.services.database).toMatchObject({ status: 'healthy', latency_ms: expect.any(Number) });
    expect(answer.jobs).toMatchObject({ succeeded: 2, failed: 1, cancelled: 1, measured_at: time });
    expect(answer.process).toMatchObject({ pid: process.pid, measured_at: time, started_at: time });
    expect(answer.process.memory.rss_bytes).toBeGreaterThan(10_000_000);
    const { total, idle, in_use } = answer.database.pool;
    expect([total > 0, idle + in_use]).toEqual([true, total]);
  });
});
