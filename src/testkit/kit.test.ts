import pg from 'pg';
import { afterAll, afterEach, beforeAll, describe, expect, inject, it } from 'vitest';
import { z } from 'zod';
import { RateLimited, Snooze } from '../engine/failure.js';
import { type Task, task } from '../engine/task.js';
import { type TestKit, testEngine } from './index.js';

const hourMs = 3_600_000;
const said: string[] = [];

const mail = task({
  name: 'mail.send',
  input: z.object({ to: z.string() }),
  run: async ({ to }, { log }) => {
    log('info', `to ${to}`);
    return { sent: to };
  },
});
const flaky = task({
  name: 'flaky',
  input: z.object({ failures: z.number() }),
  backoff: { initialMs: hourMs, factor: 1, maxMs: hourMs, jitter: 0 },
  run: async ({ failures }, { job }) => {
    if (job.attempt <= failures) throw new Error(`failure ${job.attempt}`);
    return 'at last';
  },
});
const signUp: Task = task({
  name: 'sign-up',
  input: z.object({ to: z.string() }),
  run: async (input) => {
    await kit.engine.enqueue(mail, input);
  },
});
const completing = task({
  name: 'completing',
  input: z.object({}),
  run: async (_input, { complete }) => {
    await complete(async (tx) => {
      await tx.query('create table done (at timestamptz)');
      return { made: 'a table' };
    });
  },
});
const sleepy = task({
  name: 'sleepy',
  input: z.object({}),
  run: () => Promise.reject(new Snooze(hourMs, 'no sandbox is free')),
});
const endless = task({
  name: 'endless',
  input: z.object({}),
  run: () => Promise.reject(new Snooze(0, 'again')),
});
const limited = task({
  name: 'limited',
  input: z.object({ n: z.number() }),
  rate: { count: 1, periodMs: hourMs },
  run: async ({ n }) => n,
});
const throttled = task({
  name: 'throttled',
  input: z.object({}),
  run: (_input, { job }) =>
    job.attempt === 1 ? Promise.reject(new RateLimited(hourMs, '429')) : Promise.resolve('through'),
});

let kit: TestKit;
beforeAll(async () => {
  kit = await testEngine({
    url: inject('databaseUrl'),
    tasks: [mail, flaky, signUp, completing, sleepy, endless, limited, throttled],
    hooks: [{ attemptEnded: (job, outcome) => said.push(`${job.task} ${outcome}`) }],
    middleware: [
      async ({ job }, next) => {
        said.push(`before ${job.task}`);
        return next();
      },
    ],
  });
});
afterEach(async () => {
  await kit.reset();
  said.length = 0;
});
afterAll(() => kit.stop());

describe('the kit', () => {
  it('lists what was accepted, oldest first', async () => {
    const first = await kit.engine.enqueue(mail, { to: 'ann' }, { owner: 'o', tags: ['t'] });
    await kit.database.transaction((tx) => kit.engine.enqueue(tx, mail, { to: 'bob' }));
    await kit.engine.enqueue(flaky, { failures: 0 });
    expect((await kit.enqueued()).map((job) => job.task)).toEqual(['mail.send', 'mail.send', 'flaky']);
    expect(await kit.enqueued({ task: mail })).toMatchObject([
      { input: { to: 'ann' }, status: 'queued' },
      { input: { to: 'bob' } },
    ]);
    expect(await kit.enqueued({ task: 'mail.send', owner: 'o', tag: 't' })).toMatchObject([{ id: first.id }]);
    expect(await kit.enqueued({ statuses: ['succeeded'] })).toEqual([]);
    await kit.engine.enqueueMany(
      mail,
      Array.from({ length: 450 }, () => ({ input: { to: 'all' } })),
    );
    expect(await kit.enqueued()).toHaveLength(453);
  });

  it('runs nothing by itself, and everything when told to', async () => {
    const low = await kit.engine.enqueue(mail, { to: 'low' }, { priority: 5 });
    const { id } = await kit.engine.enqueue(signUp, { to: 'ann' });
    const ran = await kit.drain();
    expect(ran.map((attempt) => [attempt.task, attempt.outcome])).toEqual([
      ['sign-up', 'succeeded'],
      ['mail.send', 'succeeded'],
      ['mail.send', 'succeeded'],
    ]);
    expect(ran[0]).toMatchObject({ id, attempt: 1, input: { to: 'ann' }, result: null });
    expect(ran[1]).toMatchObject({ result: { sent: 'ann' } });
    expect(ran[2]).toMatchObject({ id: low.id });
    expect(await kit.engine.jobs.counts()).toMatchObject({ queued: 0, succeeded: 3 });
    expect(await kit.engine.jobs.logs(low.id)).toMatchObject([{ message: 'to low' }]);
    expect(said).toContain('before sign-up');
    expect(said).toContain('sign-up succeeded');
    expect(await kit.drain()).toEqual([]);
    const { rows } = await kit.database.query('select from signalbox.claim');
    expect(rows).toEqual([]);
  });

  it('lets time pass, for retries, snoozes and later jobs', async () => {
    await kit.engine.enqueue(flaky, { failures: 1 });
    const later = await kit.engine.enqueue(mail, { to: 'x' }, { runAt: new Date(Date.now() + 2 * hourMs) });
    expect(await kit.drain()).toMatchObject([
      { task: 'flaky', outcome: 'retrying', delayMs: hourMs, error: { message: 'failure 1' } },
    ]);
    expect(await kit.drain()).toEqual([]);
    expect(await kit.advance(hourMs + 1_000)).toBe(1);
    expect(await kit.drain()).toMatchObject([{ task: 'flaky', attempt: 2, result: 'at last' }]);
    expect(await kit.drain()).toEqual([]);
    await kit.advance(hourMs);
    expect(await kit.drain()).toMatchObject([{ id: later.id, outcome: 'succeeded' }]);
    expect((await kit.engine.jobs.events(later.id)).map(({ type }) => type)).toEqual([
      'scheduled',
      'queued',
      'processing',
      'succeeded',
    ]);
    const { id } = await kit.engine.enqueue(sleepy, {});
    expect(await kit.drain()).toMatchObject([{ outcome: 'snoozed', message: 'no sandbox is free' }]);
    expect(await kit.makeDue({ task: mail })).toBe(0);
    expect(await kit.makeDue({ id })).toBe(1);
    expect(await kit.drain()).toMatchObject([{ id, attempt: 2 }]);
    await expect(kit.advance(-1)).rejects.toThrow(TypeError);
  });

  it('fails what is too late when time passes', async () => {
    const deadlineAt = new Date(Date.now() + hourMs);
    const runAt = new Date(Date.now() + 2 * hourMs);
    const { id } = await kit.engine.enqueue(mail, { to: 'x' }, { deadlineAt, runAt });
    await kit.advance(hourMs + 1_000);
    expect(await kit.drain()).toEqual([]);
    expect(await kit.engine.jobs.get(id)).toMatchObject({ status: 'failed', reason: 'deadline' });
  });

  it('honours limits, rates and paused queues, and comes to an end all the same', async () => {
    await kit.engine.enqueueMany(limited, [{ input: { n: 1 } }, { input: { n: 2 } }]);
    expect(await kit.drain()).toMatchObject([{ result: 1 }]);
    expect(await kit.drain()).toEqual([]);
    await kit.advance(hourMs);
    expect(await kit.drain()).toMatchObject([{ result: 2 }]);
    await kit.engine.enqueue(throttled, {});
    expect(await kit.drain()).toMatchObject([{ outcome: 'snoozed', reason: 'rate_limited' }]);
    await kit.makeDue();
    expect(await kit.drain()).toEqual([]);
    await kit.advance(hourMs);
    expect(await kit.drain()).toMatchObject([{ result: 'through' }]);
    await kit.engine.gates.pause('queue', 'default');
    await kit.engine.enqueue(mail, { to: 'x' });
    expect(await kit.drain()).toEqual([]);
    await kit.engine.gates.resume('queue', 'default');
    expect(await kit.drain()).toHaveLength(1);
    const concurrency = { key: 'k', limit: 1 };
    await kit.engine.enqueue(mail, { to: 'a' }, { concurrency });
    await kit.engine.enqueue(mail, { to: 'b' }, { concurrency });
    expect(await kit.drain()).toHaveLength(2);
  });

  it('commits a transactional completion with the rest', async () => {
    const { id } = await kit.engine.enqueue(completing, {});
    expect(await kit.drain()).toMatchObject([{ outcome: 'succeeded', result: { made: 'a table' } }]);
    expect((await kit.database.query('select from done')).rows).toEqual([]);
    expect(await kit.engine.jobs.get(id)).toMatchObject({ status: 'succeeded' });
    expect((await kit.database.query('select from signalbox.claim')).rows).toEqual([]);
  });

  it('gives up on a job that never ends, and leaves it as it is', async () => {
    const { id } = await kit.engine.enqueue(endless, {});
    await expect(kit.drain({ limit: 3 })).rejects.toThrow('endless');
    expect((await kit.engine.jobs.get(id)).status).toMatch(/^(queued|scheduled)$/);
  });

  it('performs with its middleware', async () => {
    expect(await kit.performJob(mail, { to: 'ann' })).toMatchObject({ result: { sent: 'ann' } });
    expect(said).toEqual(['before mail.send']);
    expect(await kit.enqueued()).toEqual([]);
  });
});

describe('a kit that stops', () => {
  it('leaves nothing behind', async () => {
    const other = await testEngine({ url: inject('databaseUrl'), tasks: [mail] });
    const name = new URL(other.url).pathname.slice(1);
    await other.stop();
    await other.stop();
    const client = new pg.Client(inject('databaseUrl'));
    await client.connect();
    const { rows } = await client.query('select 1 from pg_database where datname = $1', [name]);
    await client.end();
    expect(rows).toEqual([]);
  });

  it('is not made at all without a server', async () => {
    await expect(testEngine({ url: 'postgres://u:p@127.0.0.1:1/x', tasks: [] })).rejects.toMatchObject({
      code: 'database_unavailable',
    });
  });
});
