import { afterEach, describe, expect, it } from 'vitest';
import { AbortReason } from '../foundation/abort.js';
import type { TaskContext } from './task.js';
import { expectAllAtRest } from './testing/consistency.js';
import { anyTask, gate, Harness } from './testing/harness.js';

let h: Harness;
afterEach(() => h.stop());

async function notes(): Promise<string[]> {
  const { rows } = await h.db.database.query<{ text: string }>('select text from note order by text');
  return rows.map(({ text }) => text);
}

/** A task whose handler is given, and a table for what it writes. */
async function withNotes(run: (context: TaskContext, write: Write) => Promise<unknown>, options = {}) {
  const work = anyTask('work', (_input, context) => run(context, writer(context)), options);
  h = await Harness.start([work]);
  await h.db.database.query('create table note (text text)');
  return work;
}

type Write = (text: string, result?: unknown) => Promise<void>;

function writer(context: TaskContext): Write {
  return (text, result) =>
    context.complete(async (tx) => {
      await tx.query('insert into note values ($1)', [text]);
      return result;
    });
}

describe('complete', () => {
  it('commits the work and the end of the job together, with slots and unique key released', async () => {
    const go = gate();
    const completed = gate();
    const work = await withNotes(
      async (_context, write) => {
        await write('first', { ok: true });
        completed.open();
        await go.passed;
        return 'not looked at';
      },
      { maxRunning: 1 },
    );
    await h.worker({ pollMs: 60_000 });
    const options = { concurrency: { key: 'k', limit: 1 }, unique: { key: 'u' } };
    const { id } = await h.engine.enqueue(work, {}, options);
    await completed.passed;
    expect(await h.engine.jobs.get(id)).toMatchObject({ status: 'succeeded', result: { ok: true } });
    expect(await notes()).toEqual(['first']);
    await expectAllAtRest(h);
    // The key, the unique key and the task are free although the handler has not returned.
    const second = await h.engine.enqueue(work, {}, options);
    expect(second.duplicate).toBe(false);
    await h.until(second.id, 'succeeded');
    go.open();
    await h.engine.jobs.events(id);
    expect((await h.engine.jobs.get(id)).result).toEqual({ ok: true });
  });

  it('undoes everything when the work fails, which is a failure like any other', async () => {
    const work = await withNotes(async (context) => {
      await context.complete(async (tx) => {
        await tx.query('insert into note values ($1)', [`try ${context.job.attempt}`]);
        if (context.job.attempt === 1) throw new RangeError('too much');
        return 'done';
      });
    });
    await h.worker();
    const { id } = await h.engine.enqueue(work, {});
    expect(await h.until(id, 'succeeded')).toMatchObject({ attempt: 2, failures: 1, result: 'done' });
    expect(await notes()).toEqual(['try 2']);
  });

  it('undoes everything when the result cannot be stored', async () => {
    const work = await withNotes(async (_context, write) => write('lost', { text: '\u0000' }));
    await h.worker();
    const { id } = await h.engine.enqueue(work, {});
    expect(await h.until(id, 'failed')).toMatchObject({ error: { type: 'PermanentError' } });
    expect(await notes()).toEqual([]);
  });

  it('undoes everything when the attempt was taken away', async () => {
    const begun = gate();
    const taken = gate();
    let thrown: unknown;
    const work = await withNotes(async (context, write) => {
      if (context.job.attempt === 2) return 'second';
      begun.open();
      await taken.passed;
      await write('zombie').catch((error: unknown) => {
        thrown = error;
        throw error;
      });
    });
    const worker = await h.worker();
    const { id } = await h.engine.enqueue(work, {});
    await begun.passed;
    // As the leader does with a dead worker's jobs; this worker does not know it yet.
    await h.db.database.query(`update signalbox.job set runs = runs + 1 where id = $1`, [id]);
    taken.open();
    expect(await h.until(id, 'succeeded')).toMatchObject({ attempt: 2, result: 'second' });
    while (worker.lateOutcomes === 0) await h.engine.jobs.get(id);
    expect(thrown).toBeInstanceOf(AbortReason);
    expect(thrown).toMatchObject({ kind: 'lease_lost' });
    expect(await notes()).toEqual([]);
  });

  it('is final: what the handler throws, or completes, afterwards changes nothing', async () => {
    const refused: unknown[] = [];
    const work = await withNotes(async (_context, write) => {
      const both = await Promise.allSettled([write('once', 'first'), write('again', 'second')]);
      refused.push(...both.flatMap((one) => (one.status === 'rejected' ? [one.reason] : [])));
      await write('later').catch((error: unknown) => refused.push(error));
      throw new Error('after the fact');
    });
    const worker = await h.worker();
    const { id } = await h.engine.enqueue(work, {});
    expect(await h.until(id, 'succeeded')).toMatchObject({ result: 'first', error: null });
    expect(refused).toMatchObject([{ name: 'TypeError' }, { name: 'TypeError' }]);
    expect(await notes()).toEqual(['once']);
    await worker.stop();
    expect(worker.lateOutcomes).toBe(0);
    expect((await h.engine.jobs.events(id)).map(({ type }) => type)).toEqual([
      'queued',
      'processing',
      'succeeded',
    ]);
  });

  it('wakes a job that waits for the slot', async () => {
    const work = await withNotes(async (_context, write) => write('one'));
    await h.worker({ pollMs: 60_000, concurrency: 1 });
    const jobs = await h.engine.enqueueMany(
      work,
      Array.from({ length: 20 }, () => ({ input: {}, options: { concurrency: { key: 'k', limit: 1 } } })),
    );
    for (const { id } of jobs) await h.until(id, 'succeeded');
    expect(await notes()).toHaveLength(20);
  });

  it('frees the slots of a handler that goes on', async () => {
    const second = gate();
    const work = await withNotes(async (context, write) => {
      await write(context.job.id);
      if ((await notes()).length === 2) second.open();
      await second.passed;
    });
    await h.worker({ pollMs: 60_000, concurrency: 2 });
    const limit = { concurrency: { key: 'k', limit: 1 } };
    const jobs = await h.engine.enqueueMany(work, [
      { input: 1, options: limit },
      { input: 2, options: limit },
    ]);
    for (const { id } of jobs) await h.until(id, 'succeeded');
    await second.passed;
  });

  it('is refused once the signal has fired', async () => {
    const work = await withNotes(
      async ({ signal }, write) => {
        await new Promise<void>((resolve) =>
          signal.addEventListener('abort', () => resolve(), { once: true }),
        );
        await write('too late');
      },
      { timeoutMs: 30, maxAttempts: 1 },
    );
    await h.worker();
    const { id } = await h.engine.enqueue(work, {});
    expect(await h.until(id, 'failed')).toMatchObject({ error: { type: 'timeout' } });
    expect(await notes()).toEqual([]);
  });
});
