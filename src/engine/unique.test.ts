import { afterEach, describe, expect, it } from 'vitest';
import { newId } from '../foundation/ids.js';
import type { EnqueueOptions } from './enqueue.js';
import { PermanentError } from './failure.js';
import type { JobStatus } from './job.js';
import { Ghost } from './testing/ghost.js';
import { anyTask, gate, Harness } from './testing/harness.js';

let h: Harness;
afterEach(() => h.stop());

const work = anyTask('work', async () => 'done');
const later = () => new Date(Date.now() + 3_600_000);

function unique(key: string, states?: readonly JobStatus[]): EnqueueOptions {
  return { unique: { key, states } };
}

async function keys(): Promise<Record<string, string>> {
  const { rows } = await h.db.database.query<{ key: string; job_id: string }>(
    `select * from signalbox.unique_key`,
  );
  return Object.fromEntries(rows.map((row) => [row.key, row.job_id]));
}

describe('a unique key', () => {
  it('is had by one of many who want it at once; the others are answered with that one', async () => {
    h = await Harness.start([work]);
    const answers = await Promise.all(
      Array.from({ length: 20 }, (_, n) => h.engine.enqueue(work, n, unique('k'))),
    );
    const made = answers.filter(({ duplicate }) => !duplicate);
    expect(made).toHaveLength(1);
    expect(new Set(answers.map(({ id, uniqueKey }) => `${id} ${uniqueKey}`))).toEqual(
      new Set([`${made[0]?.id} k`]),
    );
    expect(new Set(answers.map(({ input }) => input))).toEqual(new Set([made[0]?.input]));
    expect((await h.engine.jobs.counts()).queued).toBe(1);
  });

  it('comes from the task’s own rule, unless the caller has one', async () => {
    const own = anyTask('own', async () => 1, { unique: (input) => ({ key: `own ${input}` }) });
    h = await Harness.start([own]);
    const first = await h.engine.enqueue(own, 1);
    expect(await h.engine.enqueue(own, 1)).toMatchObject({ id: first.id, duplicate: true });
    expect(await h.engine.enqueue(own, 2)).toMatchObject({ duplicate: false });
    expect(await h.engine.enqueue(own, 1, unique('mine'))).toMatchObject({ duplicate: false });
  });

  it('is free once the holder has ended, however', async () => {
    const fails = anyTask('fails', async () => {
      throw new PermanentError('no');
    });
    h = await Harness.start([work, fails]);
    await h.worker();
    for (const task of [work, fails, work]) {
      const { id, duplicate } = await h.engine.enqueue(task, {}, unique('k'));
      expect(duplicate).toBe(false);
      await h.until(id, 'succeeded', 'failed');
    }
    const waiting = await h.engine.enqueue(work, {}, { ...unique('k'), runAt: later() });
    expect(await h.engine.enqueue(work, {}, unique('k'))).toMatchObject({
      id: waiting.id,
      status: 'scheduled',
    });
    await h.engine.jobs.cancel(waiting.id);
    expect(await keys()).toEqual({});
  });

  it('is free when its period is over, and the late holder takes nothing with it', async () => {
    const go = gate();
    const begun = gate();
    const slow = anyTask('slow', async () => {
      begun.open();
      await go.passed;
    });
    h = await Harness.start([slow]);
    await h.worker();
    const options = { unique: { key: 'k', periodMs: 1 } };
    const first = await h.engine.enqueue(slow, {}, options);
    await begun.passed;
    const second = await h.engine.enqueue(slow, {}, { unique: { key: 'k' }, runAt: later() });
    expect(second.duplicate).toBe(false);
    go.open();
    await h.until(first.id, 'succeeded');
    expect(await keys()).toEqual({ k: second.id });
  });

  it('is not prolonged by an enqueue that is repeated, nor taken for a job that has ended', async () => {
    h = await Harness.start([work]);
    const id = newId();
    const first = { id, unique: { key: 'k', periodMs: 3_600_000 } };
    await h.engine.enqueue(work, {}, first);
    const until = async () =>
      (await h.db.database.query<{ until: Date }>('select until from signalbox.unique_key')).rows[0]?.until;
    const before = await until();
    expect(await h.engine.enqueue(work, {}, first)).toMatchObject({ id, duplicate: true });
    expect(await until()).toEqual(before);
    await h.worker();
    await h.until(id, 'succeeded');
    expect(await h.engine.enqueue(work, {}, first)).toMatchObject({
      id,
      duplicate: true,
      status: 'succeeded',
    });
    expect(await keys()).toEqual({});
  });
});

describe('the states of a unique key', () => {
  it('without processing free it when the job starts', async () => {
    const go = gate();
    const begun = gate();
    const slow = anyTask('slow', async () => {
      begun.open();
      await go.passed;
    });
    h = await Harness.start([slow]);
    await h.worker();
    const states = ['scheduled', 'queued', 'retrying'] as const;
    const first = await h.engine.enqueue(slow, {}, unique('k', states));
    await begun.passed;
    const second = await h.engine.enqueue(slow, {}, { ...unique('k', states), runAt: later() });
    expect(second.duplicate).toBe(false);
    go.open();
    await h.until(first.id, 'succeeded');
    expect(await keys()).toEqual({ k: second.id });
  });

  it('with succeeded keep it after the end, and free it at any other end', async () => {
    let fine = false;
    const picky = anyTask('picky', async () => {
      if (!fine) throw new PermanentError('no');
    });
    h = await Harness.start([picky]);
    await h.worker();
    const states = ['queued', 'processing', 'succeeded'] as const;
    const first = await h.engine.enqueue(picky, {}, unique('k', states));
    await h.until(first.id, 'failed');
    fine = true;
    const second = await h.engine.enqueue(picky, {}, unique('k', states));
    await h.until(second.id, 'succeeded');
    expect(await h.engine.enqueue(picky, {}, unique('k', states))).toMatchObject({
      id: second.id,
      status: 'succeeded',
      duplicate: true,
    });
  });

  it('without queued free it when the time of a scheduled job comes', async () => {
    h = await Harness.start([work]);
    const soon = new Date(Date.now() + 1_000);
    const first = await h.engine.enqueue(work, {}, { ...unique('k', ['scheduled']), runAt: soon });
    expect(await keys()).toEqual({ k: first.id });
    await h.until(first.id, 'queued');
    expect(await keys()).toEqual({});
  });

  it('without retrying free it when an attempt fails, without queued when a worker dies', async () => {
    const flaky = anyTask(
      'flaky',
      async () => {
        throw new Error('once');
      },
      { backoff: { initialMs: 60_000 } },
    );
    h = await Harness.start([flaky]);
    const ghost = await Ghost.appear(h, 'flaky');
    const rescued = await h.engine.enqueue(flaky, {}, unique('b', ['processing']));
    await ghost.claim(1);
    expect(await keys()).toEqual({ b: rescued.id });
    await ghost.die();
    await h.untilJob(rescued.id, (job) => job.crashes === 1);
    expect(await keys()).toEqual({});
    await h.worker();
    const { id } = await h.engine.enqueue(flaky, {}, unique('a', ['queued', 'processing']));
    await h.until(id, 'retrying');
    expect(await keys()).toEqual({});
  });
});

describe('many jobs with unique keys', () => {
  it('are each made once: duplicates inside the batch and of stored ones are answered', async () => {
    h = await Harness.start([work]);
    const stored = await h.engine.enqueue(work, 'stored', unique('b'));
    const answers = await h.engine.enqueueMany(work, [
      { input: 0, options: unique('a') },
      { input: 1, options: unique('b') },
      { input: 2, options: unique('a') },
      { input: 3 },
      { input: 4, options: unique('b') },
      { input: 5, options: unique('c') },
    ]);
    expect(answers.map(({ duplicate }) => duplicate)).toEqual([false, true, true, false, true, false]);
    const jobs = await Promise.all(answers.map(({ id }) => h.engine.jobs.get(id)));
    expect(jobs.map(({ input }) => input)).toEqual([0, 'stored', 0, 3, 'stored', 5]);
    expect([answers[1]?.id, answers[4]?.id, answers[2]?.id]).toEqual([stored.id, stored.id, answers[0]?.id]);
    expect((await h.engine.jobs.counts()).queued).toBe(4);
  });

  it('may race in any order without a deadlock', async () => {
    h = await Harness.start([work]);
    const items = Array.from({ length: 50 }, (_, n) => ({ input: n, options: unique(`k${n}`) }));
    const all = await Promise.all([
      h.engine.enqueueMany(work, items),
      h.engine.enqueueMany(work, items.toReversed()),
      h.engine.enqueueMany(work, items),
    ]);
    expect(all.flat().filter(({ duplicate }) => !duplicate)).toHaveLength(50);
    expect((await h.engine.jobs.counts()).queued).toBe(50);
  });

  it('answer one id that is given twice with one job', async () => {
    h = await Harness.start([work]);
    const id = newId();
    const answers = await h.engine.enqueueMany(work, [
      { input: 1, options: { id } },
      { input: 2, options: { id } },
    ]);
    expect(answers).toMatchObject([
      { id, duplicate: false },
      { id, duplicate: true },
    ]);
    expect((await h.engine.jobs.get(id)).input).toBe(1);
  });
});

describe('a unique key in a caller’s transaction', () => {
  it('makes the second wait for the first, which has it when it commits', async () => {
    h = await Harness.start([work]);
    const go = gate();
    const taken = gate();
    const first = h.db.database.transaction(async (tx) => {
      const job = await h.engine.enqueue(tx, work, 1, unique('k'));
      taken.open();
      await go.passed;
      return job;
    });
    await taken.passed;
    const second = h.db.database.transaction((tx) => h.engine.enqueue(tx, work, 2, unique('k')));
    const third = h.engine.enqueue(work, 3, unique('k'));
    go.open();
    const { id } = await first;
    expect(await second).toMatchObject({ id, duplicate: true, input: 1 });
    expect(await third).toMatchObject({ id, duplicate: true, input: 1 });
  });

  it('is free again when it is rolled back', async () => {
    h = await Harness.start([work]);
    const go = gate();
    const taken = gate();
    const first = h.db.database.transaction(async (tx) => {
      await h.engine.enqueue(tx, work, 1, unique('k'));
      taken.open();
      await go.passed;
      throw new Error('undone');
    });
    await taken.passed;
    const second = h.engine.enqueue(work, 2, unique('k'));
    go.open();
    await expect(first).rejects.toThrow('undone');
    expect(await second).toMatchObject({ duplicate: false, input: 2 });
    expect((await h.engine.jobs.counts()).queued).toBe(1);
  });
});

describe('retry of a job with a unique key', () => {
  it('is refused while another has the key, and takes it again after that', async () => {
    h = await Harness.start([work]);
    const first = await h.engine.enqueue(work, 1, unique('k'));
    await h.engine.jobs.cancel(first.id);
    const second = await h.engine.enqueue(work, 2, unique('k'));
    await expect(h.engine.jobs.retry(first.id)).rejects.toMatchObject({
      code: 'job_not_retryable',
      message: expect.stringContaining('"k"'),
    });
    expect((await h.engine.jobs.get(first.id)).status).toBe('cancelled');
    await h.engine.jobs.cancel(second.id);
    await h.engine.jobs.retry(first.id);
    expect(await h.engine.enqueue(work, 3, unique('k'))).toMatchObject({ id: first.id, duplicate: true });
    await h.worker();
    await h.until(first.id, 'succeeded');
    expect(await keys()).toEqual({});
  });

  it('leaves a key that it still holds as it was', async () => {
    let fine = false;
    const picky = anyTask('picky', async () => {
      if (!fine) throw new PermanentError('no');
    });
    h = await Harness.start([picky]);
    await h.worker();
    const states = ['queued', 'processing', 'failed', 'succeeded'] as const;
    const { id } = await h.engine.enqueue(picky, {}, unique('k', states));
    await h.until(id, 'failed');
    expect(await h.engine.enqueue(picky, {}, unique('k', states))).toMatchObject({ id, duplicate: true });
    fine = true;
    await h.engine.jobs.retry(id);
    await h.until(id, 'succeeded');
    expect(await keys()).toEqual({ k: id });
  });
});
