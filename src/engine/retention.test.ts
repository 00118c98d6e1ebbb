import { afterEach, describe, expect, it } from 'vitest';
import { newId } from '../foundation/ids.js';
import { silentLogger } from '../foundation/logger.js';
import type { Clock } from '../foundation/time.js';
import type { EnqueueOptions } from './enqueue.js';
import { Retention } from './retention.js';
import { forgetJobs, type KeepTimes } from './sql/retention.js';
import { anyTask, Harness, leaderOf } from './testing/harness.js';

const dayMs = 86_400_000;
const keep: KeepTimes = { succeededMs: 7 * dayMs, failedMs: 30 * dayMs, cancelledMs: 7 * dayMs };
type Ended = 'succeeded' | 'failed' | 'cancelled';

let h: Harness;
afterEach(() => h.stop());

const work = anyTask('work', async () => 'done');

/** A harness in which nothing runs but what a test calls. */
async function quiet(): Promise<void> {
  h = await Harness.start([work]);
  await h.engine.stop();
}

/** An id as it would have been made so many days ago. */
function idFrom(days: number): string {
  const time = (Date.now() - Math.round(days * dayMs)).toString(16).padStart(12, '0');
  return `${time.slice(0, 8)}-${time.slice(8)}${newId().slice(13)}`;
}

/** A job that was made and ended so many days ago, as `finish` leaves it, with two log lines. */
async function ended(
  status: Ended,
  days: number,
  options: EnqueueOptions & { readonly madeDaysAgo?: number; readonly input?: unknown } = {},
): Promise<string> {
  const { madeDaysAgo = days, input = {}, ...rest } = options;
  const { id } = await h.engine.enqueue(work, input, { ...rest, id: idFrom(madeDaysAgo) });
  const db = h.db.database;
  await db.query(`select signalbox.end_jobs(array[$1::uuid], $2, $2, null, false)`, [
    id,
    status === 'succeeded' ? 'failed' : status,
  ]);
  if (status === 'succeeded') {
    await db.query(`update signalbox.finished set status = 'succeeded' where id = $1`, [id]);
    await db.query(`insert into signalbox.tally (lane_id, succeeded, failed)
      select id, 1, -1 from signalbox.lane where task = 'work'`);
  }
  await db.query(`update signalbox.finished set finished_at = now() - $2 * interval '1 day' where id = $1`, [
    id,
    days,
  ]);
  await db.query(
    `insert into signalbox.job_log (job_id, seq, at, attempt, level, message)
     select $1, 10000 + n, now(), 1, 'info', 'line' from generate_series(1, 2) as n`,
    [id],
  );
  return id;
}

async function rows(table: string): Promise<number> {
  const { rows: found } = await h.db.database.query<{ n: number }>(
    `select count(*)::integer as n from signalbox.${table}`,
  );
  return found[0]?.n ?? -1;
}

async function kept(): Promise<string[]> {
  return (await h.engine.jobs.list({ limit: 200 })).map(({ id }) => id).sort();
}

function retention(options: { maxBatch?: number; clock?: Clock } = {}): Retention {
  return new Retention({ db: h.db.database, logger: silentLogger, keep, ...options });
}

/** Time that passes when the test says so. */
function handClock(): Clock & { pass(ms: number): void } {
  let now = 1_000_000;
  return {
    now: () => now,
    sleep: async () => undefined,
    pass: (ms) => {
      now += ms;
    },
  };
}

describe('retention', () => {
  it('removes ended jobs when the time of their status is over, and counts right afterwards', async () => {
    await quiet();
    await ended('succeeded', 7.1);
    await ended('cancelled', 7.1);
    await ended('failed', 30.1);
    const young = [
      await ended('succeeded', 6.9),
      await ended('cancelled', 6.9),
      await ended('failed', 8),
      await ended('failed', 29.9),
      (await h.engine.enqueue(work, {}, { id: idFrom(90) })).id,
    ].sort();
    expect(await retention().runOnce()).toEqual({ removed: 3 });
    expect(await kept()).toEqual(young);
    expect(await h.engine.jobs.counts()).toMatchObject({ queued: 1, succeeded: 1, failed: 2, cancelled: 1 });
    expect(await rows('job_log')).toBe(8);
  });

  it('removes log, large input and unique key with the job, and nobody else’s', async () => {
    await quiet();
    const large = { text: 'x'.repeat(10_000) };
    const forEver = { states: ['queued', 'succeeded', 'failed', 'cancelled'] as const };
    await ended('succeeded', 8, { input: large, unique: { key: 'old', ...forEver } });
    const still = await ended('succeeded', 1, { input: large, unique: { key: 'new', ...forEver } });
    expect(await rows('payload')).toBe(2);
    expect(await rows('unique_key')).toBe(2);
    expect(await retention().runOnce()).toEqual({ removed: 1 });
    expect(await rows('payload')).toBe(1);
    expect(await rows('job_log')).toBe(2);
    expect(await h.engine.jobs.get(still)).toMatchObject({ input: large });
    expect(await h.engine.enqueue(work, {}, { unique: { key: 'new', ...forEver } })).toMatchObject({
      id: still,
      duplicate: true,
    });
    expect(await h.engine.enqueue(work, {}, { unique: { key: 'old', ...forEver } })).toMatchObject({
      duplicate: false,
    });
  });

  it('keeps for ever what has no time', async () => {
    await quiet();
    const id = await ended('failed', 4_000);
    await ended('succeeded', 4_000);
    const none = { succeededMs: null, failedMs: null, cancelledMs: null };
    const wish = { after: null, limit: 10 };
    expect(await forgetJobs(h.db.database, { ...wish, keep: none })).toMatchObject({ seen: 0, removed: 0 });
    const some = { ...keep, failedMs: null };
    expect(await forgetJobs(h.db.database, { ...wish, keep: some })).toMatchObject({ seen: 2, removed: 1 });
    expect(await kept()).toEqual([id]);
  });

  it('goes through them in batches, and reads survivors again only in the next round', async () => {
    await quiet();
    const survivors = [await ended('failed', 29), await ended('failed', 28)];
    for (let n = 0; n < 7; n += 1) await ended('succeeded', 9);
    const late = await ended('succeeded', 6, { madeDaysAgo: 20 });
    const clock = handClock();
    const limits: (string | null)[] = [];
    const db = Object.assign(Object.create(h.db.database), {
      query: (text: string, values: unknown[]) => {
        limits.push(values[0] as string | null);
        return h.db.database.query(text, values);
      },
    });
    const keeper = new Retention({ db, logger: silentLogger, keep, maxBatch: 3, clock });
    expect(keeper.due).toBe(true);
    expect(await keeper.runOnce()).toEqual({ removed: 7 });
    expect(limits).toHaveLength(4);
    expect(new Set(limits).size).toBe(4);
    expect(keeper.due).toBe(false);
    expect(await kept()).toEqual([...survivors, late].sort());
    // The next turn begins where this one came to an end: nothing is read twice.
    limits.length = 0;
    clock.pass(5_000);
    expect(keeper.due).toBe(true);
    await h.db.database.query(
      `update signalbox.finished set finished_at = now() - interval '8 days' where id = $1`,
      [late],
    );
    expect(await keeper.runOnce()).toEqual({ removed: 0 });
    expect(limits).toEqual([expect.any(String)]);
    // A round later it begins anew, and finds what had ended late.
    clock.pass(600_000);
    await keeper.runOnce();
    expect(await keeper.runOnce()).toEqual({ removed: 1 });
    expect(await kept()).toEqual(survivors.sort());
  });

  it('leaves work for the next turn when its time is up, and makes smaller batches when they are slow', async () => {
    await quiet();
    for (let n = 0; n < 6; n += 1) await ended('succeeded', 9);
    const clock = handClock();
    const sizes: unknown[] = [];
    const db = Object.assign(Object.create(h.db.database), {
      query: (text: string, values: unknown[]) => {
        sizes.push(values[1]);
        clock.pass(300);
        return h.db.database.query(text, values);
      },
    });
    const keeper = new Retention({ db, logger: silentLogger, keep, maxBatch: 4, clock });
    expect(await keeper.runOnce()).toEqual({ removed: 6 });
    expect(sizes).toEqual([4, 2]);
    expect(keeper.due).toBe(false);
    clock.pass(1_400);
    expect(keeper.due).toBe(true);
  });

  it('survives a database that refuses, and tries a smaller batch', async () => {
    await quiet();
    await ended('succeeded', 9);
    const sizes: unknown[] = [];
    const db = Object.assign(Object.create(h.db.database), {
      query: (text: string, values: unknown[]) => {
        sizes.push(values[1]);
        if (sizes.length === 1) throw new Error('canceling statement due to statement timeout');
        return h.db.database.query(text, values);
      },
    });
    const keeper = new Retention({ db, logger: silentLogger, keep, maxBatch: 8 });
    expect(await keeper.runOnce()).toEqual({ removed: 0 });
    expect(await keeper.runOnce()).toEqual({ removed: 1 });
    expect(sizes).toEqual([8, 2]);
  });
});

describe('retention and others at the same time', () => {
  it('does not take a job that a person retries, nor what belongs to it', async () => {
    await quiet();
    const id = await ended('failed', 31, { input: { text: 'x'.repeat(10_000) } });
    await h.db.database.transaction(async (tx) => {
      await tx.query('select signalbox.retry($1)', [id]);
      // The retry is not committed: the row is locked, and nobody waits for it.
      expect(await retention().runOnce()).toEqual({ removed: 0 });
    });
    expect(await retention().runOnce()).toEqual({ removed: 0 });
    expect(await h.engine.jobs.get(id)).toMatchObject({
      status: 'queued',
      input: { text: expect.any(String) },
    });
    expect(await h.engine.jobs.logs(id)).toHaveLength(2);
    expect(await h.engine.jobs.counts()).toMatchObject({ queued: 1, failed: 0 });
  });

  it('never loses one in a race of both, whoever wins', async () => {
    await quiet();
    const ids: string[] = [];
    for (let n = 0; n < 30; n += 1) ids.push(await ended('failed', 31));
    const [retried] = await Promise.all([
      Promise.all(
        ids.map((id) =>
          h.engine.jobs.retry(id).then(
            () => id,
            () => undefined,
          ),
        ),
      ),
      ...Array.from({ length: 4 }, () => retention({ maxBatch: 5 }).runOnce()),
    ]);
    const won = retried.filter((id) => id !== undefined);
    expect(await kept()).toEqual(won.sort());
    expect(await h.engine.jobs.counts()).toMatchObject({ queued: won.length, failed: 0 });
    expect(await rows('job_log')).toBe(won.length * 2);
  });

  it('leaves a job whose unique key somebody has locked at this moment', async () => {
    await quiet();
    const unique = { key: 'k', states: ['queued', 'succeeded', 'failed'] as const };
    const id = await ended('succeeded', 8, { unique });
    await h.db.database.transaction(async (tx) => {
      await tx.query('select from signalbox.unique_key where job_id = $1 for update', [id]);
      expect(await retention().runOnce()).toEqual({ removed: 0 });
    });
    expect(await retention().runOnce()).toEqual({ removed: 1 });
    expect(await rows('unique_key')).toBe(0);
  });
});

describe('the leader', () => {
  it('removes ended jobs in its turns', async () => {
    h = await Harness.start([work]);
    const id = await ended('cancelled', 8);
    await h.engine.stop();
    const leader = leaderOf(h, { keep });
    await leader.runOnce();
    await leader.stop();
    expect(await kept()).not.toContain(id);
  });
});
