import { afterEach, describe, expect, it } from 'vitest';
import { abortCauseOf } from '../foundation/abort.js';
import { endOverdue } from './sql/rescue.js';
import { Ghost } from './testing/ghost.js';
import { anyTask, gate, Harness } from './testing/harness.js';

let h: Harness;
afterEach(() => h.stop());

const noPoll = { pollMs: 60_000 };
const inMs = (ms: number) => new Date(Date.now() + ms);

/** As if so much time had passed for this job. */
async function age(id: string, ms: number): Promise<void> {
  await h.db.database.query(
    `update signalbox.job set expires_at = expires_at - $2::float8 * interval '1 ms',
       deadline_at = deadline_at - $2::float8 * interval '1 ms' where id = $1`,
    [id, ms],
  );
}

/** Resolves when the database's clock is past the job's `expiresAt`. */
async function passed(id: string): Promise<void> {
  const sql = `select now() > expires_at as passed from signalbox.job where id = $1`;
  while (!(await h.db.database.query<{ passed: boolean }>(sql, [id])).rows[0]?.passed);
}

describe('a job with expiresAt', () => {
  it('is never started after it, and fails as expired', async () => {
    const starts: unknown[] = [];
    const work = anyTask('work', async (input) => void starts.push(input));
    h = await Harness.start([work]);
    const late = await h.engine.enqueue(work, 'late', { expiresAt: inMs(-1), unique: { key: 'k' } });
    const paused = await h.engine.enqueue(work, 'paused', { expiresAt: inMs(150), runAt: inMs(60_000) });
    await h.worker(noPoll);
    for (const { id } of [late, paused]) {
      expect(await h.until(id, 'failed')).toMatchObject({
        reason: 'expired',
        attempt: 0,
        startedAt: null,
        error: { type: 'expired', retryable: false },
      });
    }
    expect(starts).toEqual([]);
    expect((await h.db.database.query('select 1 from signalbox.unique_key')).rows).toEqual([]);
    expect((await h.engine.jobs.events(late.id)).map(({ type }) => type)).toEqual(['queued', 'failed']);
  });

  it('is not begun by a worker that had claimed it in time, and still fails', async () => {
    const starts: unknown[] = [];
    const go = gate();
    const begun = gate();
    const work = anyTask('work', async (input) => {
      starts.push(input);
      if (input !== 'slow') return;
      begun.open();
      await go.passed;
    });
    h = await Harness.start([work]);
    const quick = Array.from({ length: 400 }, (_, n) => ({ input: n }));
    await h.engine.enqueueMany(work, quick);
    await h.engine.enqueue(work, 'slow');
    const { id } = await h.engine.enqueue(work, 'late', { expiresAt: inMs(1_500) });
    // The quick ones make it claim ahead, the slow one keeps it from what it has claimed.
    const worker = await h.worker({ ...noPoll, concurrency: 1 });
    await begun.passed;
    await passed(id);
    go.open();
    expect(await h.until(id, 'failed')).toMatchObject({ reason: 'expired', startedAt: null });
    expect(starts).not.toContain('late');
    expect(worker.running).toBe(0);
  });

  it('may be retried and run on after its first start', async () => {
    let attempts = 0;
    const go = gate();
    const begun = gate();
    const work = anyTask('work', async () => {
      attempts += 1;
      if (attempts > 1) return 'second';
      begun.open();
      await go.passed;
      throw new Error('once');
    });
    h = await Harness.start([work]);
    await h.worker(noPoll);
    const { id } = await h.engine.enqueue(work, {}, { expiresAt: inMs(60_000) });
    await begun.passed;
    await age(id, 61_000);
    expect(await endOverdue(h.db.database, 0)).toEqual({ expired: [], deadline: [] });
    go.open();
    expect(await h.until(id, 'succeeded')).toMatchObject({ attempt: 2, result: 'second' });
  });
});

describe('a job with deadlineAt', () => {
  it('is failed when it passes while the job waits', async () => {
    const work = anyTask('work', async () => 1);
    h = await Harness.start([work]);
    const waiting = await h.engine.enqueue(work, {}, { deadlineAt: inMs(100) });
    const scheduled = await h.engine.enqueue(work, {}, { deadlineAt: inMs(100), runAt: inMs(60_000) });
    for (const { id } of [waiting, scheduled]) {
      expect(await h.until(id, 'failed')).toMatchObject({ reason: 'deadline', error: { type: 'deadline' } });
    }
    expect(await h.engine.jobs.counts()).toMatchObject({ failed: 2, queued: 0, scheduled: 0 });
  });

  it('has its handler aborted with that cause, and no further attempt', async () => {
    let cause: string | undefined;
    let attempts = 0;
    const work = anyTask('work', async (_input, { signal }) => {
      attempts += 1;
      await new Promise<void>((resolve) => signal.addEventListener('abort', () => resolve(), { once: true }));
      cause = abortCauseOf(signal);
      throw new TypeError('whatever');
    });
    h = await Harness.start([work]);
    await h.worker(noPoll);
    const { id } = await h.engine.enqueue(work, {}, { deadlineAt: inMs(1_000), maxAttempts: 5 });
    expect(await h.until(id, 'failed')).toMatchObject({
      reason: 'deadline',
      attempt: 1,
      failures: 1,
      error: { type: 'deadline' },
    });
    expect({ cause, attempts }).toEqual({ cause: 'deadline', attempts: 1 });
  });

  it('is told from a time-out that comes first', async () => {
    const work = anyTask('work', (_input, { signal }) => {
      return new Promise((_resolve, reject) => {
        signal.addEventListener('abort', () => reject(signal.reason), { once: true });
      });
    });
    h = await Harness.start([work]);
    await h.worker(noPoll);
    const { id } = await h.engine.enqueue(
      work,
      {},
      { deadlineAt: inMs(60_000), timeoutMs: 20, maxAttempts: 1 },
    );
    expect(await h.until(id, 'failed')).toMatchObject({ error: { type: 'timeout' } });
  });

  it('is ended between attempts', async () => {
    const work = anyTask(
      'work',
      async () => {
        throw new Error('once');
      },
      { backoff: { initialMs: 60_000 } },
    );
    h = await Harness.start([work]);
    await h.worker(noPoll);
    const { id } = await h.engine.enqueue(work, {}, { deadlineAt: inMs(1_500) });
    await h.until(id, 'retrying');
    expect(await h.until(id, 'failed')).toMatchObject({ reason: 'deadline', attempt: 1, failures: 1 });
    expect(await h.engine.jobs.counts()).toMatchObject({ failed: 1, retrying: 0 });
  });

  it('is enforced by the leader when its worker does nothing', async () => {
    const work = anyTask('work', async () => 1, { maxRunning: 1 });
    h = await Harness.start([work]);
    const ghost = await Ghost.appear(h, 'work');
    const { id } = await h.engine.enqueue(work, {}, { deadlineAt: inMs(60_000), unique: { key: 'k' } });
    expect((await ghost.claim(1)).taken).toBe(1);
    await age(id, 61_000);
    expect(await endOverdue(h.db.database, 30_000)).toEqual({ expired: [], deadline: [] });
    expect((await h.engine.jobs.get(id)).status).toBe('processing');
    expect(await endOverdue(h.db.database, 0)).toEqual({ expired: [], deadline: [id] });
    expect(await h.engine.jobs.get(id)).toMatchObject({ status: 'failed', reason: 'deadline', attempt: 1 });
    for (const table of ['slot', 'unique_key']) {
      expect((await h.db.database.query(`select 1 from signalbox.${table}`)).rows).toEqual([]);
    }
    // A person may still have it done: with no deadline any more.
    await h.engine.jobs.retry(id);
    await h.worker(noPoll);
    expect(await h.until(id, 'succeeded')).toMatchObject({ deadlineAt: null, attempt: 2 });
  });
});
