import { afterEach, describe, expect, it } from 'vitest';
import { PermanentError, Snooze } from './failure.js';
import type { EngineHooks } from './hooks.js';
import type { Middleware, Verdict } from './task.js';
import { Ghost } from './testing/ghost.js';
import { anyTask, gate, Harness } from './testing/harness.js';

let h: Harness;
afterEach(() => h.stop());

describe('hooks', () => {
  it('tell what is accepted, started, ended, rescued and late', async () => {
    const told: string[] = [];
    const listener: EngineHooks = {
      jobsAccepted: (_task, count) => told.push(`accepted ${count}`),
      attemptStarted: ({ task, attempt }, waitMs) => {
        expect(waitMs).toBeGreaterThanOrEqual(0);
        expect(waitMs).toBeLessThan(60_000);
        told.push(`${task} started ${attempt}`);
      },
      attemptEnded: ({ task }, outcome, ms, reason) => told.push(`${task} ${outcome} ${ms >= 0} ${reason}`),
      jobRescued: ({ queue, task, status }) => told.push(`rescued ${queue} ${task} ${status}`),
      outcomeLate: ({ task }) => told.push(`${task} late`),
    };
    const begun = gate();
    const go = gate();
    const taken = anyTask('taken', async (_input, { job }) => {
      if (job.attempt > 1) return;
      begun.open();
      await go.passed;
    });
    const work = anyTask('work', async () => 1);
    h = await Harness.start([work, taken], undefined, { hooks: [{}, listener] });
    const unique = { unique: { key: 'k' } };
    await h.engine.enqueueMany(work, [{ input: 1 }, { input: 2 }]);
    const [kept] = await h.engine.enqueueMany(taken, [{ input: 1, options: unique }]);
    await h.engine.enqueueMany(taken, [{ input: 1, options: unique }]);
    await h.engine.enqueue(taken, 1, unique);
    expect(told.splice(0)).toEqual(['accepted 2', 'accepted 1']);
    const ghost = await Ghost.appear(h, 'work');
    await ghost.claim(2);
    await ghost.die();
    while (told.length < 2) await h.engine.jobs.counts();
    expect(told.splice(0)).toEqual(['rescued default work queued', 'rescued default work queued']);
    const worker = await h.worker();
    await begun.passed;
    const id = kept?.id as string;
    while (told.length < 5) await h.engine.jobs.counts();
    expect(told.splice(0).sort()).toEqual([
      'taken started 1',
      'work started 2',
      'work started 2',
      'work succeeded true null',
      'work succeeded true null',
    ]);
    await h.db.database.query(`update signalbox.job set runs = runs + 1 where id = $1`, [id]);
    go.open();
    await h.until(id, 'succeeded');
    await worker.stop();
    expect(told.sort()).toEqual(['taken late', 'taken started 2', 'taken succeeded true null']);
  });

  it('tell why an attempt ended, and how long the job had been ready', async () => {
    const told: string[] = [];
    const waits: number[] = [];
    const work = anyTask(
      'work',
      async (kind, { job }) => {
        if (kind === 'snooze' && job.attempt === 1) throw new Snooze(1, 'later');
        if (kind === 'retry') throw new Error('again');
        if (kind === 'fail') throw new PermanentError('never');
      },
      { maxAttempts: 2, backoff: { initialMs: 1_000, factor: 1, maxMs: 1_000, jitter: 0 } },
    );
    const listener: EngineHooks = {
      attemptStarted: (_job, waitMs) => waits.push(waitMs),
      attemptEnded: ({ attempt }, outcome, _ms, reason) => told.push(`${attempt} ${outcome} ${reason}`),
    };
    h = await Harness.start([work], undefined, { hooks: [listener] });
    const first = await h.engine.enqueue(work, 'fail');
    await h.db.database.query(`update signalbox.job set place = place - 3600000000 where id = $1`, [
      first.id,
    ]);
    await h.worker();
    await h.until(first.id, 'failed');
    for (const kind of ['retry', 'snooze']) {
      const { id } = await h.engine.enqueue(work, kind);
      await h.until(id, 'failed', 'succeeded');
    }
    expect(told).toEqual([
      '1 failed permanent_error',
      '1 retrying error',
      '2 failed attempts_exhausted',
      '1 snoozed snoozed',
      '2 succeeded null',
    ]);
    expect(waits[0]).toBeGreaterThan(3_600_000);
    // What went before its own time is in no other wait.
    for (const wait of waits.slice(1)) expect(wait).toBeLessThan(3_600_000);
  });

  it('tell what ends without an attempt, or by the hand of the leader', async () => {
    const told: string[] = [];
    const listener: EngineHooks = {
      jobsEnded: ({ queue, task }, outcome, reason, count) =>
        told.push(`${queue} ${task} ${outcome} ${reason} ${count}`),
      attemptsTimedOut: ({ queue, task }, count) => told.push(`${queue} ${task} timed out ${count}`),
    };
    const work = anyTask('work', async () => 1, { maxAttempts: 2, timeoutMs: 1_000 });
    const once = anyTask('once', async () => 1, { maxAttempts: 1, timeoutMs: 1_000 });
    h = await Harness.start([work, once], undefined, { hooks: [listener] });
    const { database } = h.db;
    const said = async (count: number): Promise<string[]> => {
      const deadline = performance.now() + 15_000;
      while (told.length < count && performance.now() < deadline) await h.engine.jobs.counts();
      return told.splice(0).sort();
    };
    const waiting = await h.engine.enqueue(work, 1);
    await h.engine.jobs.cancel(waiting.id);
    expect(await said(1)).toEqual(['default work cancelled cancelled 1']);
    await h.engine.enqueue(work, 1, { expiresAt: new Date(Date.now() + 500) });
    await h.engine.enqueue(work, 1, { deadlineAt: new Date(Date.now() + 500) });
    expect(await said(2)).toEqual(['default work failed deadline 1', 'default work failed expired 1']);
    const ghost = await Ghost.appear(h, 'work', 'once');
    await h.engine.enqueue(work, 1);
    await h.engine.enqueue(once, 1);
    await ghost.claim(2);
    await database.query(`update signalbox.claim set claimed_at = claimed_at - interval '1 hour'`);
    expect(await said(2)).toEqual(['default once failed attempts_exhausted 1', 'default work timed out 1']);
    const asked = await h.engine.enqueue(once, 1);
    await ghost.claim(10);
    await h.engine.jobs.cancel(asked.id);
    expect(told).toEqual([]);
    await database.query(
      `update signalbox.job set cancel_requested_at = now() - interval '1 hour' where id = $1`,
      [asked.id],
    );
    expect(await said(1)).toEqual(['default once cancelled cancelled 1']);
    const poison = await h.engine.enqueue(once, 1);
    await ghost.claim(10);
    await database.query(`update signalbox.job set crashes = 2 where id = $1`, [poison.id]);
    await ghost.die();
    expect(await said(1)).toEqual(['default once failed crashed 1']);
  });

  it('that throw or reject harm nothing', async () => {
    const fail = (): never => {
      throw new Error('a bad hook');
    };
    const reject = async (): Promise<void> => fail();
    const all = (hook: () => void): EngineHooks => ({
      jobsAccepted: hook,
      attemptStarted: hook,
      attemptEnded: hook,
      jobRescued: hook,
      outcomeLate: hook,
    });
    const work = anyTask('work', async () => 1);
    const heard: string[] = [];
    const last: EngineHooks = { attemptEnded: (_job, outcome) => heard.push(outcome) };
    h = await Harness.start([work], undefined, { hooks: [all(fail), all(reject), last] });
    const { id } = await h.engine.enqueue(work, {});
    const ghost = await Ghost.appear(h, 'work');
    await ghost.claim(1);
    await ghost.die();
    const worker = await h.worker();
    await h.until(id, 'succeeded');
    await worker.stop();
    expect(heard).toEqual(['succeeded']);
  });
});

describe('middleware', () => {
  it('wraps every attempt, the first outermost, with the context of the handler', async () => {
    const order: string[] = [];
    const wrap =
      (name: string): Middleware =>
      async (context, next) => {
        order.push(`${name} in ${context.job.attempt}`);
        try {
          const result = await next();
          return `${name}(${result})`;
        } finally {
          order.push(`${name} out`);
        }
      };
    const work = anyTask('work', async (_input, { job, progress }) => {
      order.push(`run as ${job.owner}`);
      progress(1);
      if (job.attempt === 1) throw new Error('once');
      return 'done';
    });
    h = await Harness.start([work], undefined, { middleware: [wrap('a'), wrap('b')] });
    await h.worker();
    const { id } = await h.engine.enqueue(work, {}, { owner: 'ann', tags: ['x'] });
    expect(await h.until(id, 'succeeded')).toMatchObject({ result: 'a(b(done))', failures: 1 });
    const turn = (attempt: number) => [`a in ${attempt}`, `b in ${attempt}`, 'run as ann', 'b out', 'a out'];
    expect(order).toEqual([...turn(1), ...turn(2)]);
  });

  it('that throws fails the attempt', async () => {
    const work = anyTask('work', async () => 1);
    const refuse: Middleware = () => {
      throw new PermanentError('not today');
    };
    h = await Harness.start([work], undefined, { middleware: [refuse] });
    await h.worker();
    const { id } = await h.engine.enqueue(work, {});
    expect((await h.until(id, 'failed')).error).toMatchObject({ message: 'not today' });
  });
});

describe('the classifier of a task', () => {
  const verdicts: Record<string, () => Verdict | undefined> = {
    retry: () => 'retry',
    fail: () => 'fail',
    delay: () => ({ retryInMs: 1 }),
    nothing: () => undefined,
    nonsense: () => ({ retryInMs: Number.NaN }),
    throws: () => {
      throw new Error('a bad classifier');
    },
  };

  it.each([
    ['retry', 'permanent', { status: 'failed', reason: 'attempts_exhausted', attempt: 2 }],
    ['fail', 'plain', { status: 'failed', reason: 'permanent_error', attempt: 1 }],
    ['delay', 'permanent', { status: 'failed', reason: 'attempts_exhausted', attempt: 2 }],
    ['nothing', 'permanent', { status: 'failed', reason: 'permanent_error', attempt: 1 }],
    ['nothing', 'plain', { status: 'failed', reason: 'attempts_exhausted', attempt: 2 }],
    ['nonsense', 'plain', { status: 'failed', reason: 'attempts_exhausted', attempt: 2 }],
    ['throws', 'plain', { status: 'failed', reason: 'attempts_exhausted', attempt: 2 }],
  ])('says %s about a %s error', async (verdict, kind, end) => {
    const asked: number[] = [];
    const work = anyTask(
      'work',
      async () => {
        throw kind === 'plain' ? new Error('x') : new PermanentError('x');
      },
      {
        maxAttempts: 2,
        classify: (_error, failures) => {
          asked.push(failures);
          return verdicts[verdict]?.();
        },
      },
    );
    h = await Harness.start([work]);
    await h.worker();
    const { id } = await h.engine.enqueue(work, {});
    expect(await h.until(id, 'failed')).toMatchObject(end);
    expect(asked).toEqual(Array.from({ length: end.attempt }, (_, n) => n + 1));
  });

  it('is not asked about a snooze, whose reason is told', async () => {
    let asked = 0;
    const work = anyTask(
      'work',
      async () => {
        throw new Snooze(60_000, 'no sandbox is free');
      },
      {
        classify: () => {
          asked += 1;
          return 'fail';
        },
      },
    );
    h = await Harness.start([work]);
    await h.worker();
    const { id } = await h.engine.enqueue(work, {});
    await h.untilJob(id, (job) => job.reason === 'snoozed');
    expect(asked).toBe(0);
    expect((await h.engine.jobs.explain(id)).reasons).toMatchObject([
      { code: 'snoozed', message: expect.stringContaining('no sandbox is free') },
    ]);
    expect((await h.engine.jobs.events(id)).at(-1)).toMatchObject({
      type: 'scheduled',
      data: { reason: 'snoozed', message: 'no sandbox is free', run_at: expect.any(String) },
    });
  });
});
