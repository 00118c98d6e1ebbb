import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { silentLogger } from '../../foundation/logger.js';
import { engineErrors } from '../errors.js';
import { insertFirings } from './firing-store.js';
import { keptFirings } from './schedule.js';
import { Scheduler } from './scheduler.js';
import { at, ScheduleBench } from './testing/schedule-bench.js';

let bench: ScheduleBench;
beforeAll(async () => {
  bench = await ScheduleBench.start();
});
afterEach(() => bench.clear());
afterAll(() => bench.stop());

const nothing = { fired: 0, held: 0, skipped: 0, missed: 0, failed: 0 };

describe('a turn', () => {
  it('fires a slot when it is due, once, with what the schedule says', async () => {
    await bench.put({
      input: { folder: 'a' },
      slotField: 'for',
      priority: 7,
      owner: 'ada',
      tags: ['nightly'],
    });
    expect(await bench.turn(at('00:59:59'))).toEqual(nothing);
    expect(await bench.turn(at('01:00'))).toEqual({ ...nothing, fired: 1 });
    expect(await bench.turn(at('01:00:01'))).toEqual(nothing);
    const [job, ...more] = await bench.jobs();
    expect(more).toEqual([]);
    expect(job).toMatchObject({
      task: 'work',
      input: { folder: 'a', for: '2026-01-01T01:00:00.000Z' },
      options: { priority: 7, owner: 'ada', tags: ['nightly'] },
    });
    expect(await bench.schedules.get('tick')).toMatchObject({
      nextRunAt: at('02:00'),
      lastFiring: { slot: at('01:00'), kind: 'slot', outcome: 'enqueued', jobId: job?.id, missed: null },
    });
  });

  it('asks the database what time it is unless told otherwise', async () => {
    await bench.put();
    const { db, enqueue, unfinished } = bench;
    const scheduler = new Scheduler({ db: db.database, logger: silentLogger, enqueue, unfinished });
    await bench.db.database.query(
      `update signalbox.schedule set next_slot = date_trunc('hour', now()), due_at = now() - interval '1 second', catch_up = 'latest'`,
    );
    expect(await scheduler.runOnce()).toMatchObject({ fired: 1, missed: 0 });
    const { nextRunAt } = await bench.schedules.get('tick');
    expect(nextRunAt?.getTime()).toBeGreaterThan(Date.now());
  });

  it('is bounded, and the next one goes on', async () => {
    await bench.put({ cron: '* * * * *', catchUp: 'all' });
    expect(await bench.turn(at('05:00'))).toEqual({ ...nothing, fired: 200 });
    expect(await bench.turn(at('05:00'))).toEqual({ ...nothing, fired: 100 });
    expect(await bench.turn(at('05:00'))).toEqual(nothing);
    expect(new Set(await bench.history()).size).toBe(300);
  });

  it('keeps the newest firings and forgets the others', async () => {
    await bench.put({ cron: '* * * * *', catchUp: 'all' });
    for (let turn = 0; turn < 6; turn += 1) await bench.turn(at('18:00'));
    const history = await bench.history();
    expect(history).toHaveLength(keptFirings);
    expect(history.at(-1)).toBe('18:00 enqueued');
  });

  it('stops between two schedules when its process does', async () => {
    await bench.put();
    bench.now = at('01:00');
    expect(await bench.scheduler.runOnce(AbortSignal.abort())).toEqual(nothing);
  });
});

describe('one firing for a slot', () => {
  it('holds for ten schedulers at once', async () => {
    for (let n = 0; n < 5; n += 1) await bench.put({ name: `tick-${n}`, cron: '* * * * *', catchUp: 'all' });
    const schedulers = Array.from({ length: 10 }, () => bench.another());
    bench.now = at('00:30');
    for (let turn = 0; turn < 3; turn += 1) await Promise.all(schedulers.map((one) => one.runOnce()));
    const jobs = await bench.jobs();
    expect(jobs).toHaveLength(150);
    for (let n = 0; n < 5; n += 1) {
      const firings = await bench.schedules.firings(`tick-${n}`, 100);
      expect(new Set(firings.map(({ slot }) => slot.getTime())).size).toBe(30);
      expect(firings).toHaveLength(30);
    }
    const named = new Set(jobs.map(({ id }) => id));
    expect(named.size).toBe(150);
  });

  it('is kept by the key alone when a schedule looks at a slot again', async () => {
    await bench.put();
    await bench.turn(at('01:00'));
    await bench.db.database.query(
      `update signalbox.schedule set next_slot = next_slot - interval '1 hour', due_at = $1`,
      [at('01:00')],
    );
    expect(await bench.turn(at('01:00:10'))).toEqual(nothing);
    const row = { slot: at('09:00'), kind: 'slot', outcome: 'skipped', jobId: null } as const;
    const writers = await Promise.all(
      Array.from({ length: 10 }, () => insertFirings(bench.db.database, 'tick', [row])),
    );
    expect(writers.flat()).toHaveLength(1);
    expect(await bench.jobs()).toHaveLength(1);
  });

  it('survives a process that dies between the firing and the commit', async () => {
    await bench.put();
    bench.now = at('01:00');
    const dying = bench.another({
      enqueue: async (tx, job) => {
        await bench.enqueue(tx, job);
        // The connection goes with the process: nobody says rollback.
        await tx.query('select pg_terminate_backend(pg_backend_pid())');
        return { id: 'never' };
      },
    });
    expect(await dying.runOnce()).toMatchObject({ fired: 0, failed: 1 });
    expect(await bench.jobs()).toEqual([]);
    expect(await bench.schedules.firings('tick')).toEqual([]);
    expect(await bench.turn(at('01:00:02'))).toMatchObject({ fired: 1 });
    expect(await bench.turn(at('01:00:09'))).toEqual(nothing);
    expect(await bench.history()).toEqual(['01:00 enqueued']);
    expect(await bench.jobs()).toHaveLength(1);
  });
});

describe('a schedule that cannot fire', () => {
  const broken = () =>
    bench.another({
      enqueue: async (tx, job) => {
        if (job.task === 'gone') throw engineErrors.task_unknown('There is no task "gone".');
        return bench.enqueue(tx, job);
      },
      random: () => 0,
    });

  it('leaves the others alone, says why, and is tried again later and later', async () => {
    await bench.put({ task: 'gone' });
    await bench.put({ name: 'tock' });
    bench.now = at('01:00');
    expect(await broken().runOnce()).toMatchObject({ fired: 1, failed: 1 });
    expect(await broken().runOnce()).toEqual(nothing);
    bench.now = at('01:00:01');
    expect(await broken().runOnce()).toMatchObject({ failed: 1 });
    bench.now = at('01:00:02');
    expect(await broken().runOnce()).toEqual(nothing);
    expect(await bench.schedules.get('tick')).toMatchObject({
      failures: 2,
      lastError: 'There is no task "gone".',
      lastErrorAt: at('01:00:01'),
      nextRunAt: at('01:00'),
    });
    bench.now = at('01:00:30');
    await bench.put({ task: 'work' });
    expect(await broken().runOnce()).toMatchObject({ fired: 1 });
    expect(await bench.schedules.get('tick')).toMatchObject({ failures: 0, nextRunAt: at('02:00') });
  });

  it('gives the slot up after a minute with none', async () => {
    await bench.put({ task: 'gone', catchUp: 'none' });
    bench.now = at('01:00');
    await broken().runOnce();
    bench.now = at('01:01:01');
    expect(await broken().runOnce()).toEqual({ ...nothing, missed: 1 });
    expect(await bench.history()).toEqual(['01:00 missed']);
  });
});

describe('slots missed while nothing ran', () => {
  it.each([
    ['none', 0, ['05:00 missed']],
    ['latest', 1, ['04:00 missed', '05:00 enqueued']],
    ['all', 5, ['01:00 enqueued', '02:00 enqueued', '03:00 enqueued', '04:00 enqueued', '05:00 enqueued']],
  ] as const)('%s makes up for %i of five', async (catchUp, fired, history) => {
    await bench.put({ catchUp });
    expect(await bench.turn(at('05:30'))).toMatchObject({ fired, missed: 5 - fired });
    expect(await bench.history()).toEqual(history);
    expect(await bench.turn(at('06:00'))).toMatchObject({ fired: 1, missed: 0 });
  });
});

describe('overlap', () => {
  it('allow enqueues beside a job that is under way', async () => {
    await bench.put({ overlap: 'allow' });
    await bench.turn(at('01:00'));
    expect(await bench.turn(at('02:00'))).toMatchObject({ fired: 1 });
  });

  it('skip leaves slots out until the job before has ended', async () => {
    await bench.put({ overlap: 'skip' });
    await bench.turn(at('01:00'));
    expect(await bench.turn(at('02:00'))).toEqual({ ...nothing, skipped: 1 });
    await bench.endJobs();
    expect(await bench.turn(at('03:00'))).toEqual({ ...nothing, fired: 1 });
    expect(await bench.history()).toEqual(['01:00 enqueued', '02:00 skipped', '03:00 enqueued']);
  });

  it('wait holds one slot until the job before has ended', async () => {
    await bench.put({ overlap: 'wait', slotField: 'for' });
    await bench.turn(at('01:00'));
    expect(await bench.turn(at('02:00'))).toEqual({ ...nothing, held: 1 });
    expect(await bench.turn(at('03:00'))).toEqual({ ...nothing, skipped: 1 });
    expect(await bench.schedules.get('tick')).toMatchObject({ heldSlot: at('02:00') });
    await bench.endJobs();
    expect(await bench.turn(at('03:10'))).toEqual({ ...nothing, fired: 1 });
    expect(await bench.turn(at('03:20'))).toEqual(nothing);
    expect((await bench.jobs()).map(({ input }) => input)).toEqual([
      { for: at('01:00').toISOString() },
      { for: at('02:00').toISOString() },
    ]);
    expect(await bench.history()).toEqual(['01:00 enqueued', '02:00 enqueued', '03:00 skipped']);
    expect(await bench.turn(at('04:00'))).toEqual({ ...nothing, held: 1 });
  });

  it('counts a job that a person asked for as the one before', async () => {
    await bench.put({ overlap: 'skip' });
    bench.now = at('00:30');
    await bench.schedules.runNow('tick');
    expect(await bench.turn(at('01:00'))).toEqual({ ...nothing, skipped: 1 });
  });
});

describe('jitter', () => {
  it.each([
    [0, '01:00:00.000'],
    [0.5, '01:00:30.000'],
    [0.999999, '01:01:00.000'],
  ])('delays a job by its share %d of the longest delay', async (random, expected) => {
    await bench.put({ jitterMs: 60_000 });
    bench.now = at('01:00');
    await bench.another({ random: () => random }).runOnce();
    const [job] = await bench.jobs();
    expect(job?.options.runAt).toBe(random === 0 ? undefined : `2026-01-01T${expected}Z`);
  });

  it('never reaches the next slot, and is over for a slot that comes late', async () => {
    await bench.put({ cron: '*/10 * * * * *', jitterMs: 86_400_000, catchUp: 'all' });
    bench.now = at('00:00:15');
    await bench.another({ random: () => 0.999999999 }).runOnce();
    bench.now = at('00:00:30');
    await bench.another({ random: () => 0.999999999 }).runOnce();
    expect((await bench.jobs()).map(({ options }) => options.runAt)).toEqual([
      '2026-01-01T00:00:19.999Z',
      undefined,
      '2026-01-01T00:00:39.999Z',
    ]);
  });
});
