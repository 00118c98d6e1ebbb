import { afterAll, afterEach, beforeAll, describe, expect, it, vi } from 'vitest';
import { z } from 'zod';
import { isSignalboxError } from '../../foundation/errors.js';
import { silentLogger } from '../../foundation/logger.js';
import { engineErrors } from '../errors.js';
import { task } from '../task.js';
import { anyTask, Harness } from '../testing/harness.js';
import { isSchedule, schedule } from './definition.js';
import { Schedules } from './schedules.js';
import { at, ScheduleBench } from './testing/schedule-bench.js';

let bench: ScheduleBench;
beforeAll(async () => {
  bench = await ScheduleBench.start();
});
afterEach(() => bench.clear());
afterAll(() => bench.stop());

async function codeOf(promise: Promise<unknown>): Promise<string> {
  return promise.then(
    () => 'nothing was thrown',
    (error: unknown) => (isSignalboxError(error) ? error.code : String(error)),
  );
}

describe('a declaration', () => {
  const sweep = task({ name: 'sweep', input: z.strictObject({ day: z.iso.datetime() }), run: async () => 1 });

  it('takes what is left out from the defaults', () => {
    const made = schedule({ name: 'sweep', task: sweep, slotField: 'day', cron: '@daily' });
    expect(made).toMatchObject({
      task: 'sweep',
      input: {},
      timeZone: 'UTC',
      catchUp: 'latest',
      overlap: 'skip',
      jitterMs: 0,
      priority: null,
      tags: [],
    });
    expect(Object.isFrozen(made) && isSchedule(made)).toBe(true);
    expect(isSchedule({ ...sweep })).toBe(false);
  });

  it('names every wrong field', () => {
    const wrong = () =>
      schedule({
        name: 'no spaces',
        task: 'work',
        cron: '61 * * * *',
        catchUp: 'some' as never,
        overlap: 'never' as never,
        jitterMs: -1,
        priority: 1.5,
        owner: '\u0000',
        tags: [''],
        input: { text: '\ud800' },
      });
    expect(wrong).toThrow(TypeError);
    for (const field of ['name', 'cron', 'catchUp', 'overlap', 'jitterMs', 'priority', 'owner', 'tags']) {
      expect(wrong).toThrow(new RegExp(`(: |; )${field} `));
    }
    expect(wrong).toThrow('input.text');
    expect(() => schedule({ name: 'a', task: 'b', cron: '@daily', timeZone: 'Mars' })).toThrow('timeZone');
  });

  it('checks the input against the task it is given', () => {
    const options = { name: 'sweep', task: sweep, cron: '@daily' };
    expect(() => schedule(options)).toThrow('input.day');
    expect(() => schedule({ ...options, input: [], slotField: 'day' })).toThrow('slotField');
    expect(() => schedule({ ...options, input: {}, slotField: 'other' })).toThrow('input.other');
  });
});

describe('put', () => {
  it('starts from now when it is new or its times change, and only then', async () => {
    expect(await bench.put()).toMatchObject({ source: 'api', nextRunAt: at('01:00'), lastFiring: null });
    bench.now = at('03:30');
    expect(await bench.put({ input: { n: 1 } })).toMatchObject({ nextRunAt: at('01:00'), input: { n: 1 } });
    expect(await bench.put({ cron: '15 * * * *' })).toMatchObject({ nextRunAt: at('04:15') });
    expect(await bench.put({ cron: '15 * * * *', timeZone: 'Asia/Kathmandu' })).toMatchObject({
      nextRunAt: at('04:30'),
    });
  });

  it('refuses what is wrong or belongs to the code', async () => {
    await bench.schedules.sync([schedule({ name: 'tick', task: 'work', cron: '@daily' })]);
    expect(await codeOf(bench.put())).toBe('schedule_in_code');
    expect(await codeOf(bench.put({ cron: 'x' }))).toBe('schedule_invalid');
    const checked = new Schedules({
      db: bench.db.database,
      logger: silentLogger,
      enqueue: bench.enqueue,
      check: () => {
        throw engineErrors.task_unknown('no');
      },
    });
    expect(await codeOf(checked.put({ name: 'tock', task: 'x', cron: '@daily' }))).toBe('task_unknown');
  });
});

describe('pause and resume', () => {
  it('stop the slots and go on from now', async () => {
    await bench.put({ catchUp: 'all' });
    expect(await bench.schedules.pause('tick')).toMatchObject({ paused: true, nextRunAt: null });
    expect(await bench.turn(at('02:30'))).toMatchObject({ fired: 0 });
    expect(await bench.schedules.resume('tick')).toMatchObject({ paused: false, nextRunAt: at('03:00') });
    expect(await bench.turn(at('02:31'))).toMatchObject({ fired: 0, missed: 0 });
    expect(await bench.turn(at('03:00'))).toMatchObject({ fired: 1 });
    bench.now = at('05:30');
    expect(await bench.schedules.resume('tick')).toMatchObject({ nextRunAt: at('04:00') });
  });

  it('keep a held slot held meanwhile', async () => {
    await bench.put({ overlap: 'wait' });
    await bench.turn(at('01:00'));
    await bench.turn(at('02:00'));
    await bench.schedules.pause('tick');
    await bench.endJobs();
    expect(await bench.turn(at('02:10'))).toMatchObject({ fired: 0 });
    await bench.schedules.resume('tick');
    expect(await bench.turn(at('02:20'))).toMatchObject({ fired: 1 });
  });

  it('can be the beginning', async () => {
    expect(await bench.put({ paused: true })).toMatchObject({ paused: true, nextRunAt: null });
    expect(await bench.turn(at('01:00'))).toMatchObject({ fired: 0 });
    expect(await bench.put({ paused: false })).toMatchObject({ paused: false, nextRunAt: at('02:00') });
  });
});

describe('run now', () => {
  it('enqueues at once, as often as asked, and leaves the slots alone', async () => {
    await bench.put({ slotField: 'for' });
    await bench.schedules.pause('tick');
    bench.now = at('02:00');
    const firings = [await bench.schedules.runNow('tick'), await bench.schedules.runNow('tick')];
    const jobs = await bench.jobs();
    expect(jobs.map(({ id }) => id)).toEqual(firings.map(({ jobId }) => jobId));
    expect(jobs[0]?.input).toEqual({ for: '2026-01-01T02:00:00.000Z' });
    bench.now = at('01:30');
    await bench.schedules.resume('tick');
    expect(await bench.turn(at('02:00'))).toMatchObject({ fired: 1 });
    expect(await bench.schedules.firings('tick')).toMatchObject([
      { kind: 'manual', slot: new Date(at('02:00').getTime() + 1), outcome: 'enqueued' },
      { kind: 'manual', slot: at('02:00') },
      { kind: 'slot', slot: at('02:00') },
    ]);
  });

  it('records nothing when the job cannot be enqueued', async () => {
    await bench.put();
    const schedules = new Schedules({
      db: bench.db.database,
      logger: silentLogger,
      enqueue: async () => {
        throw engineErrors.task_unknown('no');
      },
    });
    expect(await codeOf(schedules.runNow('tick'))).toBe('task_unknown');
    expect(await bench.schedules.firings('tick')).toEqual([]);
  });
});

describe('sync', () => {
  const hourly = schedule({ name: 'tick', task: 'work', cron: '0 * * * *' });

  it('makes, changes, disables and brings back what the code declares', async () => {
    expect(await bench.schedules.sync([hourly])).toEqual({ saved: ['tick'], disabled: [], refused: [] });
    bench.now = at('02:30');
    await bench.schedules.sync([
      schedule({ name: 'tick', task: 'work', cron: '0 * * * *', input: { n: 1 } }),
    ]);
    expect(await bench.schedules.get('tick')).toMatchObject({ nextRunAt: at('01:00'), input: { n: 1 } });
    await bench.schedules.sync([schedule({ name: 'tick', task: 'work', cron: '30 * * * *' })]);
    expect(await bench.schedules.get('tick')).toMatchObject({ nextRunAt: at('03:30'), source: 'code' });
    expect(await bench.schedules.sync([])).toMatchObject({ disabled: ['tick'] });
    expect(await bench.turn(at('09:00'))).toMatchObject({ fired: 0, missed: 0 });
    expect(await bench.schedules.get('tick')).toMatchObject({ enabled: false, nextRunAt: null });
    await bench.schedules.sync([hourly]);
    expect(await bench.schedules.get('tick')).toMatchObject({ enabled: true, nextRunAt: at('10:00') });
  });

  it('leaves pauses and the API’s schedules alone', async () => {
    await bench.put({ name: 'theirs' });
    await bench.schedules.sync([hourly]);
    await bench.schedules.pause('tick');
    const theirs = schedule({ name: 'theirs', task: 'other', cron: '@daily' });
    expect(await bench.schedules.sync([hourly, theirs])).toEqual({
      saved: ['tick'],
      disabled: [],
      refused: ['theirs'],
    });
    expect(await bench.schedules.list()).toMatchObject([
      { name: 'theirs', task: 'work', enabled: true },
      { name: 'tick', paused: true },
    ]);
    await expect(bench.schedules.sync([hourly, hourly])).rejects.toThrow(TypeError);
  });

  it('may run in many processes at once', async () => {
    const some = schedule({ name: 'a', task: 'work', cron: '@daily' });
    await Promise.all(
      Array.from({ length: 10 }, (_, n) =>
        bench.schedules.sync(n % 2 === 0 ? [hourly, some] : [some, hourly]),
      ),
    );
    expect(await bench.schedules.list()).toMatchObject([{ enabled: true }, { enabled: true }]);
  });
});

describe('remove', () => {
  it('takes the history along, and refuses what the code still declares', async () => {
    await bench.put();
    await bench.turn(at('01:00'));
    await bench.schedules.remove('tick');
    expect(await codeOf(bench.schedules.get('tick'))).toBe('schedule_not_found');
    await bench.schedules.sync([schedule({ name: 'tick', task: 'work', cron: '@daily' })]);
    expect(await codeOf(bench.schedules.remove('tick'))).toBe('schedule_in_code');
    await bench.schedules.sync([]);
    await bench.schedules.remove('tick');
    expect(await bench.schedules.list()).toEqual([]);
  });

  it.each(['get', 'firings', 'pause', 'resume', 'remove', 'runNow'] as const)(
    '%s says when there is no such schedule',
    async (method) => {
      expect(await codeOf(bench.schedules[method]('none'))).toBe('schedule_not_found');
    },
  );

  it('lists in pages by name', async () => {
    for (const name of ['c', 'a', 'b']) await bench.put({ name });
    const [first] = await bench.schedules.list({ limit: 1 });
    const rest = await bench.schedules.list({ after: first?.name ?? '' });
    expect([first, ...rest].map((one) => one?.name)).toEqual(['a', 'b', 'c']);
  });
});

describe('with the engine', () => {
  it('makes jobs that run', async () => {
    const echo = anyTask('echo', async (input) => input);
    const h = await Harness.start([echo]);
    try {
      await h.worker();
      const { schedules } = h.engine;
      await schedules.put({ name: 'echo', task: 'echo', input: { n: 1 }, cron: '* * * * * *' });
      const firing = await vi.waitUntil(async () => (await schedules.firings('echo'))[0], {
        timeout: 15_000,
      });
      expect(await h.until(firing.jobId ?? '', 'succeeded')).toMatchObject({ result: { n: 1 } });
    } finally {
      await h.stop();
    }
  });
});
