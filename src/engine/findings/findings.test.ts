import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { createTestDatabase, type TestDatabase } from '../../database/testing/test-database.js';
import { silentLogger } from '../../foundation/logger.js';
import { Engine } from '../engine.js';
import { electLeader, hire } from '../explain/testing/remedies.js';
import { schedule } from '../schedules/definition.js';
import { claimJobs } from '../sql/claim.js';
import { anyTask } from '../testing/harness.js';
import { StuckWork } from './findings.js';

const a = anyTask('a', async () => undefined, { queue: 'left', timeoutMs: 1_000 });
const b = anyTask('b', async () => undefined, { queue: 'left' });

let test: TestDatabase;
/** Never started: nobody promotes, rescues or leads but the test. */
let engine: Engine;
let now = 0;
let stuck: StuckWork;

beforeAll(async () => {
  test = await createTestDatabase();
  engine = new Engine({ database: test.database, tasks: [a, b], logger: silentLogger });
});
afterAll(() => test.drop());

beforeEach(async () => {
  await sql(`truncate signalbox.job, signalbox.finished, signalbox.claim, signalbox.slot, signalbox.tally,
    signalbox.worker, signalbox.gate, signalbox.leader, signalbox.schedule cascade`);
  await electLeader(test.database);
  stuck = new StuckWork(test.database, () => now);
});

function sql(text: string, values: unknown[] = []) {
  return test.database.query(text, values);
}

async function found(): Promise<string[]> {
  return (await stuck.find()).map(({ code, queue, schedule }) => `${code} ${queue ?? schedule ?? 'all'}`);
}

async function claim(tasks = ['a', 'b']): Promise<string> {
  const workerId = await hire(test.database, tasks, { concurrency: 1 });
  await claimJobs(test.database, { workerId, queues: null, tasks, limit: 1, suspects: true, floor: null });
  return workerId;
}

/** Everything that waits has waited a minute longer. */
async function aMinuteLater(): Promise<void> {
  await sql(`update signalbox.job set place = place - 60000000, run_at = run_at - interval '1 minute'`);
  await sql(`update signalbox.claim set claimed_at = claimed_at - interval '1 minute'`);
  await sql(`update signalbox.schedule set due_at = due_at - interval '2 minutes'`);
}

describe('work that nobody does', () => {
  it('is told as soon as it is accepted, once for each queue, until a worker comes', async () => {
    expect(await found()).toEqual([]);
    await engine.enqueue(a, {});
    await engine.enqueueMany(b, [{ input: {} }, { input: {} }]);
    await sql(`update signalbox.job set place = place - 42000000`);
    const [finding, ...others] = await stuck.find();
    expect(others).toEqual([]);
    expect(finding).toMatchObject({
      code: 'no_live_worker',
      queue: 'left',
      tasks: ['a', 'b'],
      schedule: null,
      waiting: 3,
      remedy: 'signalbox start --worker --queues left',
    });
    expect(finding?.oldestWaitingMs).toBeGreaterThanOrEqual(42_000);
    expect(Math.abs(Date.now() - 42_000 - (finding?.since?.getTime() ?? 0))).toBeLessThan(20_000);
    expect(finding?.message).toMatch(
      /^3 jobs are waiting in queue "left" \(the oldest for .*\) and no live worker/,
    );
    await hire(test.database, ['a', 'b']);
    expect(await found()).toEqual([]);
  });

  it('is told of tasks that no worker of the queue knows, and of workers that leave', async () => {
    await engine.enqueue(a, {});
    await engine.enqueue(b, {});
    const id = await hire(test.database, ['a']);
    expect(await stuck.find()).toMatchObject([{ code: 'no_worker_for_task', tasks: ['b'], waiting: 1 }]);
    await sql(`update signalbox.worker set status = 'draining' where id = $1`, [id]);
    const messages = (await stuck.find()).map(({ message }) => message);
    expect(messages[0]).toContain('the workers that could run a are shutting down');
    expect(messages[1]).toContain('no live worker of it knows b');
  });

  it('is none while it is paused, runs, or its time has not come', async () => {
    await engine.enqueue(a, {});
    await engine.gates.pause('queue', 'left');
    await aMinuteLater();
    expect(await found()).toEqual([]);
    await engine.gates.resume('queue', 'left');
    expect(await found()).toEqual(['no_live_worker left']);
    await engine.gates.pause('task', 'a');
    expect(await found()).toEqual([]);
    await engine.gates.resume('task', 'a');
    await claim();
    await sql(`update signalbox.worker set status = 'draining'`);
    await engine.enqueue(a, {}, { runAt: new Date(Date.now() + 3_600_000) });
    expect(await found()).toEqual([]);
  });
});

describe('jobs that nobody takes although slots are free', () => {
  beforeEach(async () => {
    await engine.enqueueMany(a, [{ input: {} }, { input: {} }]);
    await aMinuteLater();
  });

  /** Looks twice, with so many milliseconds between. */
  async function lookTwice(ms: number): Promise<string[]> {
    await stuck.find();
    now += ms;
    return found();
  }

  it('are told when the same one stands in front for a while', async () => {
    await hire(test.database, ['a']);
    expect(await found()).toEqual([]);
    now += 1_000;
    expect(await found()).toEqual([]);
    now += 5_000;
    const [finding] = await stuck.find();
    expect(finding).toMatchObject({ code: 'not_taken', queue: 'left', tasks: ['a'], waiting: 2 });
    expect(finding?.message).toContain('have free slots');
  });

  it('are not told of a backlog that moves', async () => {
    await hire(test.database, ['a']);
    await stuck.find();
    await claim();
    expect(await lookTwice(4_000)).toEqual([]);
    now += 2_000;
    expect(await found()).toEqual(['not_taken left']);
  });

  it('are not told of what one look saw long ago', async () => {
    await hire(test.database, ['a']);
    expect(await lookTwice(600_000)).toEqual([]);
  });

  it.each([
    ['the slots are taken', async () => void (await claim())],
    [
      'the limit is reached',
      async () => {
        await claim();
        await hire(test.database, ['a']);
        await engine.gates.limit('queue', 'left', { maxRunning: 1 });
      },
    ],
    [
      'a rate has only just had room',
      async () => {
        await hire(test.database, ['a']);
        await engine.gates.limit('task', 'a', { rate: { count: 1, periodMs: 10_000 } });
        await sql(`update signalbox.gate set tokens = 0, refilled_at = now() - interval '20 seconds'`);
      },
    ],
    [
      'they have not waited long',
      async () => {
        await hire(test.database, ['a']);
        await sql(`update signalbox.job set place = place + 55000000`);
      },
    ],
  ])('are not told when %s', async (_name, prepare) => {
    await prepare();
    expect(await lookTwice(10_000)).toEqual([]);
  });

  it('are told when a rate has had room all the time', async () => {
    await hire(test.database, ['a']);
    await engine.gates.limit('task', 'a', { rate: { count: 1, periodMs: 10_000 } });
    await sql(`update signalbox.gate set refilled_at = now() - interval '2 minutes'`);
    expect(await lookTwice(10_000)).toEqual(['not_taken left']);
  });
});

describe('work that housekeeping left', () => {
  it('is told of dead workers, and of attempts that are long over their time', async () => {
    await engine.enqueue(a, {});
    const workerId = await claim();
    await aMinuteLater();
    expect(await stuck.find()).toMatchObject([
      { code: 'attempt_overrun', queue: 'left', tasks: ['a'], waiting: 1 },
    ]);
    await sql(`update signalbox.worker set lease_expires_at = now() - interval '10 seconds' where id = $1`, [
      workerId,
    ]);
    expect(await found()).toEqual([]);
    await sql(`update signalbox.worker set lease_expires_at = now() - interval '1 minute'`);
    expect(await stuck.find()).toMatchObject([{ code: 'worker_lost', queue: 'left', waiting: 1 }]);
  });

  it('is told of jobs whose time has come and that nobody queues', async () => {
    await engine.enqueue(a, {}, { runAt: new Date(Date.now() + 1_000) });
    expect(await found()).toEqual([]);
    await aMinuteLater();
    expect(await stuck.find()).toMatchObject([{ code: 'not_promoted', queue: 'left', waiting: 1 }]);
    await engine.gates.pause('queue', 'left');
    expect(await found()).toEqual([]);
  });

  it('is told of a leader that is gone, once there is something to do for one', async () => {
    await sql(`update signalbox.leader set lease_expires_at = now() - interval '20 seconds'`);
    expect(await found()).toEqual([]);
    await hire(test.database, ['a']);
    await engine.enqueue(a, {});
    expect(await stuck.find()).toMatchObject([{ code: 'no_leader', queue: null, waiting: 1 }]);
    await electLeader(test.database);
    expect(await found()).toEqual([]);
    // One that resigned leaves nothing behind.
    await sql(`delete from signalbox.leader`);
    expect(await found()).toEqual([]);
    now += 16_000;
    expect(await found()).toEqual(['no_leader all']);
  });

  it('is told of schedules that nobody fires and of those that cannot', async () => {
    const hourly = { input: {}, cron: '0 * * * *' };
    await engine.schedules.sync([
      schedule({ name: 'late', task: a, ...hourly }),
      schedule({ name: 'failing', task: b, ...hourly }),
      schedule({ name: 'resting', task: a, ...hourly }),
    ]);
    await engine.schedules.pause('resting');
    await sql(`update signalbox.schedule set due_at = now() + interval '1 hour' where not paused`);
    expect(await found()).toEqual([]);
    await sql(`update signalbox.schedule set due_at = now() - interval '2 minutes' where name = 'late'`);
    await sql(
      `update signalbox.schedule set failures = 3, last_error = 'There is no task "b".', last_error_at = now()
       where name = 'failing'`,
    );
    expect(await stuck.find()).toMatchObject([
      {
        code: 'schedule_failing',
        schedule: 'failing',
        tasks: ['b'],
        message: expect.stringContaining('no task "b"'),
      },
      { code: 'schedule_late', schedule: 'late', tasks: ['a'], queue: null },
    ]);
  });
});
