import { afterEach, describe, expect, it } from 'vitest';
import { z } from 'zod';
import { abortCauseOf } from '../foundation/abort.js';
import { PermanentError, Snooze } from './failure.js';
import { task } from './task.js';
import { anyTask, gate, Harness } from './testing/harness.js';

let h: Harness;
afterEach(() => h.stop());

/** Waits for its signal and then throws its reason, as a well-behaved handler does. */
async function untilAborted(signal: AbortSignal): Promise<never> {
  return new Promise((_resolve, reject) => {
    signal.addEventListener('abort', () => reject(signal.reason), { once: true });
  });
}

describe('an attempt', () => {
  it('runs the handler and keeps result, events, progress and logs', async () => {
    const work = task({
      name: 'work',
      input: z.object({ n: z.number().default(7) }),
      run: async ({ n }, context) => {
        context.log('info', 'half way', { n });
        context.progress(0.5, 'half way');
        return { doubled: n * 2, attempt: context.job.attempt };
      },
    });
    h = await Harness.start([work]);
    await h.worker();
    const { id } = await h.engine.enqueue(work, {});
    const job = await h.until(id, 'succeeded');
    expect(job).toMatchObject({
      result: { doubled: 14, attempt: 1 },
      attempt: 1,
      failures: 0,
      workerId: null,
    });
    expect(job.progress).toEqual({ fraction: 0.5, message: 'half way' });
    expect(job.finishedAt?.getTime()).toBeGreaterThanOrEqual(job.startedAt?.getTime() ?? Number.NaN);
    const events = await h.engine.jobs.events(id);
    expect(events.map(({ seq, type }) => `${seq} ${type}`)).toEqual([
      '1 queued',
      '2 processing',
      '3 progress',
      '4 succeeded',
    ]);
    expect(await h.engine.jobs.logs(id)).toMatchObject([
      { level: 'info', message: 'half way', data: { n: 7 } },
    ]);
  });

  it('is started within the poll’s time because the database says that there is work', async () => {
    const ran = gate();
    const quick = anyTask('quick', async () => ran.open());
    h = await Harness.start([quick]);
    // So long a poll that only the notification can be in time.
    await h.worker({ pollMs: 60_000 });
    const { id } = await h.engine.enqueue(quick, {});
    await ran.passed;
    await h.until(id, 'succeeded');
  });

  it('is repeated after an error until attempts are used up, then the job is failed', async () => {
    const attempts: number[] = [];
    const flaky = anyTask('flaky', async (_input, { job }) => {
      attempts.push(job.attempt);
      throw new RangeError(`no ${job.attempt}`);
    });
    h = await Harness.start([flaky]);
    await h.worker();
    const { id } = await h.engine.enqueue(flaky, {});
    const job = await h.until(id, 'failed');
    expect(attempts).toEqual([1, 2, 3]);
    expect(job).toMatchObject({
      reason: 'attempts_exhausted',
      failures: 3,
      error: { type: 'RangeError', message: 'no 3', retryable: true, attempt: 3 },
    });
    const types = (await h.engine.jobs.events(id)).map((event) => event.type);
    expect(types.filter((type) => type === 'retrying')).toHaveLength(2);
  });

  it('is not repeated after a permanent error', async () => {
    const hopeless = anyTask('hopeless', async () => {
      throw new PermanentError('never');
    });
    h = await Harness.start([hopeless]);
    await h.worker();
    const { id } = await h.engine.enqueue(hopeless, {});
    expect(await h.until(id, 'failed')).toMatchObject({ attempt: 1, reason: 'permanent_error' });
  });

  it('fails for good when the stored input no longer fits the task', async () => {
    const strict = task({ name: 'strict', input: z.object({ n: z.number() }), run: async () => 1 });
    h = await Harness.start([strict]);
    const { id } = await h.engine.enqueue(strict, { n: 1 });
    await h.db.database.query(`update signalbox.job set input = '{"n": "x"}' where id = $1`, [id]);
    await h.worker();
    const job = await h.until(id, 'failed');
    expect(job.error?.message).toContain('input.n');
  });

  it.each([
    ['a NUL character', { text: '\u0000' }],
    ['a BigInt', { n: 1n }],
    ['too much', { text: 'x'.repeat(1_100_000) }],
  ])('fails with a reason when its result has %s', async (_name, result) => {
    const bad = anyTask('bad', async () => result);
    h = await Harness.start([bad]);
    await h.worker();
    const { id } = await h.engine.enqueue(bad, {});
    expect((await h.until(id, 'failed')).error).toMatchObject({ type: 'PermanentError' });
  });

  it('keeps an error whose text the database could not hold', async () => {
    const nul = anyTask('nul', async () => {
      throw new PermanentError('a\u0000b\ud800');
    });
    h = await Harness.start([nul]);
    await h.worker();
    const { id } = await h.engine.enqueue(nul, {});
    expect((await h.until(id, 'failed')).error?.message).toBe('a\uFFFDb\uFFFD');
  });

  it('is aborted at its time-out and counts as a failure', async () => {
    const slow = anyTask('slow', (_input, { signal }) => untilAborted(signal), {
      timeoutMs: 50,
      maxAttempts: 1,
    });
    h = await Harness.start([slow]);
    await h.worker();
    const { id } = await h.engine.enqueue(slow, {});
    expect(await h.until(id, 'failed')).toMatchObject({
      failures: 1,
      error: { type: 'timeout', retryable: true },
    });
  });

  it('is left behind when it ignores its signal, and the slot is free again', async () => {
    const never = gate();
    const deaf = anyTask('deaf', () => never.passed, { timeoutMs: 30, maxAttempts: 1 });
    const next = anyTask('next', async () => 'ran');
    h = await Harness.start([deaf, next]);
    await h.worker({ concurrency: 1, abortGraceMs: 30 });
    const first = await h.engine.enqueue(deaf, {});
    const second = await h.engine.enqueue(next, {});
    expect(await h.until(first.id, 'failed')).toMatchObject({ error: { type: 'timeout' } });
    await h.until(second.id, 'succeeded');
    never.open();
  });

  it('is put off by a snooze without using an attempt', async () => {
    const sleepy = anyTask('sleepy', async (_input, { job }) => {
      if (job.attempt < 3) throw new Snooze(1, 'no sandbox is free');
      return 'awake';
    });
    h = await Harness.start([sleepy]);
    await h.worker();
    const { id } = await h.engine.enqueue(sleepy, {}, { maxAttempts: 1 });
    expect(await h.until(id, 'succeeded')).toMatchObject({ attempt: 3, failures: 0 });
  });

  it('keeps a bounded number of log lines and says how many it dropped', async () => {
    const chatty = anyTask('chatty', async (_input, context) => {
      for (let n = 0; n < 1_005; n += 1) context.log('info', `line ${n}`);
    });
    h = await Harness.start([chatty]);
    await h.worker();
    const { id } = await h.engine.enqueue(chatty, {});
    await h.until(id, 'succeeded');
    const lines = await h.engine.jobs.logs(id, 0, 2_000);
    expect(lines).toHaveLength(1_001);
    expect(lines.at(-1)?.message).toContain('5 more lines');
  });
});

describe('order', () => {
  it('is priority first, then age', async () => {
    const order: unknown[] = [];
    const note = anyTask('note', async (input) => {
      order.push(input);
    });
    h = await Harness.start([note]);
    await h.engine.enqueue(note, 'late', { priority: 1 });
    await h.engine.enqueue(note, 'first', { priority: -1 });
    await h.engine.enqueue(note, 'second');
    const last = await h.engine.enqueue(note, 'last', { priority: 1 });
    await h.worker({ concurrency: 1 });
    await h.until(last.id, 'succeeded');
    expect(order).toEqual(['first', 'second', 'late', 'last']);
  });

  it('runs no more at once than the worker has slots, and only its queues', async () => {
    let now = 0;
    let most = 0;
    const busy = anyTask('busy', async () => {
      now += 1;
      most = Math.max(most, now);
      await new Promise((resolve) => setImmediate(resolve));
      now -= 1;
    });
    const elsewhere = anyTask('elsewhere', async () => 1, { queue: 'other' });
    h = await Harness.start([busy, elsewhere]);
    const other = await h.engine.enqueue(elsewhere, {});
    const jobs = await h.engine.enqueueMany(
      busy,
      Array.from({ length: 30 }, () => ({ input: {} })),
    );
    await h.worker({ concurrency: 3, queues: ['default'] });
    for (const job of jobs) await h.until(job.id, 'succeeded');
    expect(most).toBeLessThanOrEqual(3);
    expect((await h.engine.jobs.get(other.id)).status).toBe('queued');
  });
});

describe('an idle worker', () => {
  it('asks no more often than it polls', async () => {
    h = await Harness.start([anyTask('noop', async () => undefined)]);
    let asked = 0;
    const query = h.db.database.query.bind(h.db.database);
    const counting: typeof query = (text, values) => {
      if (text.includes('signalbox.claim(')) asked += 1;
      return query(text, values);
    };
    Object.assign(h.db.database, { query: counting });
    await h.worker({ pollMs: 500 });
    await new Promise((resolve) => setTimeout(resolve, 1_100));
    expect(asked).toBeLessThan(8);
  });
});

describe('cancel', () => {
  it('holds the lock of the claims for no client', async () => {
    h = await Harness.start([anyTask('noop', async () => undefined)]);
    const { database } = h.db;
    const { id } = await h.engine.enqueue('noop', {});
    let transactions = 0;
    const transaction = database.transaction.bind(database);
    const counting: typeof transaction = (work) => {
      transactions += 1;
      return transaction(work);
    };
    Object.assign(database, { transaction: counting });
    expect(await h.engine.jobs.cancel(id)).toMatchObject({ status: 'cancelled' });
    expect(transactions).toBe(0);
  });

  it('ends a waiting job at once, and a running one through its signal', async () => {
    const started = gate();
    let cause: string | undefined;
    const long = anyTask('long', async (_input, { signal }) => {
      started.open();
      await untilAborted(signal).catch((reason) => {
        cause = abortCauseOf(signal);
        throw reason;
      });
    });
    h = await Harness.start([long]);
    const waiting = await h.engine.enqueue(long, {}, { runAt: new Date(Date.now() + 60_000) });
    expect(await h.engine.jobs.cancel(waiting.id)).toMatchObject({ status: 'cancelled' });
    await h.worker();
    const running = await h.engine.enqueue(long, {});
    await started.passed;
    expect(await h.engine.jobs.cancel(running.id)).toMatchObject({ status: 'processing' });
    expect(await h.until(running.id, 'cancelled')).toMatchObject({ reason: 'cancelled', failures: 0 });
    expect(cause).toBe('cancelled');
    await expect(h.engine.jobs.cancel(running.id)).rejects.toMatchObject({ code: 'job_not_cancellable' });
  });

  it('does not undo work that was done before the handler looked', async () => {
    const started = gate();
    const go = gate();
    const stubborn = anyTask('stubborn', async () => {
      started.open();
      await go.passed;
      return 'done';
    });
    h = await Harness.start([stubborn]);
    await h.worker({ abortGraceMs: 10_000 });
    const { id } = await h.engine.enqueue(stubborn, {});
    await started.passed;
    await h.engine.jobs.cancel(id);
    go.open();
    expect(await h.until(id, 'succeeded', 'cancelled')).toMatchObject({
      status: 'succeeded',
      result: 'done',
    });
  });
});

describe('retry by a person', () => {
  it('runs a failed job again with all its attempts, and refuses any other', async () => {
    let broken = true;
    const mended = anyTask('mended', async () => {
      if (broken) throw new PermanentError('broken');
      return 'fine';
    });
    h = await Harness.start([mended]);
    await h.worker();
    const { id } = await h.engine.enqueue(mended, {});
    await h.until(id, 'failed');
    broken = false;
    expect(await h.engine.jobs.retry(id)).toMatchObject({ status: 'queued', failures: 0, attempt: 1 });
    expect(await h.until(id, 'succeeded')).toMatchObject({ attempt: 2, result: 'fine', error: null });
    await expect(h.engine.jobs.retry(id)).rejects.toMatchObject({ code: 'job_not_retryable' });
    await expect(h.engine.jobs.retry('nonsense')).rejects.toMatchObject({ code: 'job_not_found' });
  });
});
