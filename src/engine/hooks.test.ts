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
      attemptStarted: ({ task, attempt }) => told.push(`${task} started ${attempt}`),
      attemptEnded: ({ task }, outcome, ms) => told.push(`${task} ${outcome} ${ms >= 0}`),
      jobRescued: ({ queue, status }) => told.push(`rescued ${queue} ${status}`),
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
    expect(told.splice(0)).toEqual(['rescued default queued', 'rescued default queued']);
    const worker = await h.worker();
    await begun.passed;
    const id = kept?.id as string;
    while (told.length < 5) await h.engine.jobs.counts();
    expect(told.splice(0).sort()).toEqual([
      'taken started 1',
      'work started 2',
      'work started 2',
      'work succeeded true',
      'work succeeded true',
    ]);
    await h.db.database.query(`update signalbox.job set runs = runs + 1 where id = $1`, [id]);
    go.open();
    await h.until(id, 'succeeded');
    await worker.stop();
    expect(told.sort()).toEqual(['taken late', 'taken started 2', 'taken succeeded true']);
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
