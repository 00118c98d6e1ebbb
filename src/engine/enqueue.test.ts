import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { z } from 'zod';
import type { SignalboxError } from '../foundation/errors.js';
import { newId } from '../foundation/ids.js';
import { Engine } from './engine.js';
import { task } from './task.js';
import { anyTask, Harness } from './testing/harness.js';

const greet = task({
  name: 'greet',
  queue: 'greetings',
  priority: 5,
  input: z.strictObject({ name: z.string().max(10), times: z.number().int().optional() }),
  run: async () => undefined,
});
const free = anyTask('free', async () => undefined);

let h: Harness;
beforeAll(async () => {
  h = await Harness.start([greet, free]);
});
afterAll(() => h.stop());

async function refused(promise: Promise<unknown>): Promise<SignalboxError> {
  return promise.then(
    () => expect.fail('it was accepted'),
    (error: SignalboxError) => error,
  );
}

describe('enqueue', () => {
  it('stores the job with its task’s policy and its first event', async () => {
    const job = await h.engine.enqueue(greet, { name: 'Ada' }, { tags: ['a', 'b'], owner: 'ada' });
    expect(job).toMatchObject({
      task: 'greet',
      queue: 'greetings',
      status: 'queued',
      priority: 5,
      input: { name: 'Ada' },
      attempt: 0,
      maxAttempts: 3,
      owner: 'ada',
      tags: ['a', 'b'],
    });
    const { duplicate, ...stored } = job;
    expect(duplicate).toBe(false);
    expect(await h.engine.jobs.get(job.id)).toEqual(stored);
    expect(await h.engine.jobs.events(job.id)).toMatchObject([{ seq: 1, type: 'queued' }]);
  });

  it('keeps a job for later as scheduled', async () => {
    const runAt = new Date(Date.now() + 3_600_000);
    const job = await h.engine.enqueue('greet', { name: 'Ada' }, { runAt });
    expect(job).toMatchObject({ status: 'scheduled', runAt });
  });

  it('names every wrong field of the input', async () => {
    const error = await refused(
      h.engine.enqueue(greet, { name: 'far too long a name', times: 'x', more: 1 }),
    );
    expect(error.code).toBe('input_invalid');
    expect(error.fields.map(({ field }) => field).sort()).toEqual([
      'input.more',
      'input.name',
      'input.times',
    ]);
  });

  it.each([
    ['a NUL character', { deep: [{ text: 'a\u0000b' }] }, 'input.deep.0.text'],
    ['broken Unicode', { text: '\ud800' }, 'input.text'],
    ['a BigInt', { n: 1n }, 'input'],
    ['more than a megabyte', { text: 'x'.repeat(1_100_000) }, 'input'],
  ])('refuses %s, naming the place', async (_name, input, field) => {
    const error = await refused(h.engine.enqueue(free, input));
    expect(error.code).toBe('input_invalid');
    expect(error.fields.map((problem) => problem.field)).toEqual([field]);
  });

  it('refuses options that the database could not hold', async () => {
    const options = { priority: 1.5, tags: [''], maxAttempts: 0, runAt: new Date('no'), traceParent: 'x' };
    const error = await refused(h.engine.enqueue(free, {}, options));
    expect(error.fields.map((problem) => problem.field)).toEqual([
      'priority',
      'maxAttempts',
      'tags',
      'runAt',
      'traceParent',
    ]);
  });

  it('says which tasks there are when one is unknown', async () => {
    const error = await refused(h.engine.enqueue('nothing', {}));
    expect(error.code).toBe('task_unknown');
    expect(error.message).toContain('greet');
  });

  it('is part of the caller’s transaction: there after commit, gone after rollback', async () => {
    const kept = newId();
    const lost = newId();
    await h.db.database.transaction((tx) => h.engine.enqueue(tx, free, { n: 1 }, { id: kept }));
    const undone = h.db.database.transaction(async (tx) => {
      await h.engine.enqueue(tx, free, { n: 2 }, { id: lost });
      throw new Error('the business changed its mind');
    });
    await expect(undone).rejects.toThrow('changed its mind');
    expect(await h.engine.jobs.get(kept)).toMatchObject({ input: { n: 1 } });
    expect((await refused(h.engine.jobs.get(lost))).code).toBe('job_not_found');
  });

  it('takes many at once, in order, all or none', async () => {
    const items = Array.from({ length: 250 }, (_, n) => ({ input: { n } }));
    const jobs = await h.engine.enqueueMany(free, items);
    const stored = await Promise.all(jobs.map((job) => h.engine.jobs.get(job.id)));
    expect(stored.map((job) => job.input)).toEqual(items.map((item) => item.input));
    const before = (await h.engine.jobs.counts()).queued;
    await refused(h.engine.enqueueMany(free, [{ input: {} }, { input: { bad: '\u0000' } }]));
    expect((await h.engine.jobs.counts()).queued).toBe(before);
    expect(await h.engine.enqueueMany(free, [])).toEqual([]);
  });

  it('does not answer one caller’s mistake to those whose jobs travelled with it', async () => {
    // A time that JavaScript can write down and PostgreSQL cannot.
    const impossible = { runAt: new Date(-8.64e15) };
    const answers = await Promise.allSettled(
      Array.from({ length: 50 }, (_, n) => h.engine.enqueue(free, { n }, n === 25 ? impossible : {})),
    );
    const refusedOnes = answers.flatMap((answer, n) => (answer.status === 'rejected' ? [n] : []));
    expect(refusedOnes).toEqual([25]);
    for (const [n, answer] of answers.entries()) {
      if (answer.status === 'fulfilled') expect(answer.value.input).toEqual({ n });
    }
  });

  it('answers a repeated enqueue with the job that is there, waiting or ended', async () => {
    const id = newId();
    const first = await h.engine.enqueue(free, { n: 1 }, { id });
    expect(first).toMatchObject({ id, duplicate: false });
    expect(await h.engine.enqueue(free, { n: 2 }, { id })).toMatchObject({
      id,
      duplicate: true,
      input: { n: 1 },
    });
    await h.engine.jobs.cancel(id);
    const again = await h.engine.enqueueMany(free, [
      { input: { n: 3 }, options: { id } },
      { input: { n: 4 }, options: { id: newId() } },
    ]);
    expect(again).toMatchObject([{ id, duplicate: true }, { duplicate: false }]);
    const many = await Promise.all(
      Array.from({ length: 8 }, () => h.engine.enqueue(free, {}, { id: again[1]?.id })),
    );
    expect(new Set(many.map((job) => job.id))).toEqual(new Set([again[1]?.id]));
  });

  it('answers a repeated enqueue with its own job, whoever has its unique key by now', async () => {
    const unique = { key: 'repeated' };
    const id = newId();
    await h.engine.enqueue(free, {}, { id, unique });
    await h.engine.jobs.cancel(id);
    expect(await h.engine.enqueue(free, {}, { id, unique })).toMatchObject({ id, status: 'cancelled' });
    // The repetition took no key: the next job gets it.
    const next = await h.engine.enqueue(free, {}, { unique });
    expect(next).toMatchObject({ duplicate: false, status: 'queued' });
    expect(await h.engine.enqueue(free, {}, { id, unique })).toMatchObject({ id, duplicate: true });
    expect(await h.engine.enqueue(free, {}, { unique })).toMatchObject({ id: next.id, duplicate: true });
  });

  it('makes nobody wait who holds the key that it asks for', async () => {
    const unique = { key: 'held' };
    const { id } = await h.engine.enqueue(free, {}, { unique });
    await h.db.database.transaction(async (tx) => {
      expect(await h.engine.enqueue(tx, free, {}, { unique })).toMatchObject({ id, duplicate: true });
      // In another transaction, while this one is open.
      expect(await h.engine.jobs.cancel(id)).toMatchObject({ status: 'cancelled' });
    });
  });

  it('stores null, undefined and deep values as they are in JSON', async () => {
    expect((await h.engine.enqueue(free, null)).input).toBeNull();
    expect((await h.engine.enqueue(free, undefined)).input).toBeNull();
    expect((await h.engine.enqueue(free, { a: [1, { b: '\\u0000' }] })).input).toEqual({
      a: [1, { b: '\\u0000' }],
    });
  });
});

describe('tasks', () => {
  it('must have different names', () => {
    const options = { database: h.db.database, tasks: [greet, greet], logger: console };
    expect(() => new Engine(options as never)).toThrow('defined twice');
  });

  it('are checked when they are defined', () => {
    const wrong = { name: 'no spaces', input: z.any(), maxAttempts: 0, run: async () => 1 };
    expect(() => task(wrong)).toThrow(/name must.*maxAttempts must/);
  });
});

describe('lists', () => {
  it('gives the newest first, page by page, filtered', async () => {
    const made = await h.engine.enqueueMany(
      free,
      Array.from({ length: 5 }, () => ({ input: {}, options: { owner: 'lister', tags: ['page'] } })),
    );
    const expected = made
      .map((job) => job.id)
      .sort()
      .reverse();
    const first = await h.engine.jobs.list({ owner: 'lister', tag: 'page', statuses: ['queued'], limit: 3 });
    const second = await h.engine.jobs.list({ owner: 'lister', limit: 3, before: first.at(-1)?.id });
    expect([...first, ...second].map((job) => job.id)).toEqual(expected);
    expect(await h.engine.jobs.list({ owner: 'lister', statuses: ['failed'], limit: 3 })).toEqual([]);
    expect(await h.engine.jobs.list({ owner: 'lister', queue: 'other', limit: 3 })).toEqual([]);
  });
});
