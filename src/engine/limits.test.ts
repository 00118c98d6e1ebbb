import { afterEach, describe, expect, it } from 'vitest';
import { PermanentError, Snooze } from './failure.js';
import { readClaim } from './sql/claim.js';
import { expectAllAtRest } from './testing/consistency.js';
import { Ghost } from './testing/ghost.js';
import { anyTask, cancelIfCan, Harness } from './testing/harness.js';
import { Meter } from './testing/meter.js';

let h: Harness;
afterEach(() => h.stop());

const noPoll = { pollMs: 60_000, concurrency: 8 };

/** Takes a moment without changing anything. */
async function aMoment(): Promise<void> {
  await h.db.database.query('select 1');
}

function keyed(key: string, limit: number) {
  return { concurrency: { key, limit } };
}

describe('limits', () => {
  it('of keys are never exceeded by several workers, each is used up, and every job ends', async () => {
    const meter = new Meter();
    const limits: Record<string, number> = { a: 1, b: 2, c: 5 };
    const work = anyTask('work', async (input) => meter.during([String(input)], aMoment));
    // Nobody heals: a wake-up that is lost shows.
    h = await Harness.start([work], undefined, { housekeepingMs: 60_000 });
    for (let n = 0; n < 3; n += 1) await h.worker(noPoll);
    const items = Array.from({ length: 240 }, (_, n) => {
      const key = ['a', 'b', 'c'][n % 3] as string;
      return { input: key, options: keyed(key, limits[key] as number) };
    });
    const jobs = await h.engine.enqueueMany(work, items);
    for (const { id } of jobs) await h.until(id, 'succeeded');
    for (const [key, limit] of Object.entries(limits)) expect([key, meter.most(key)]).toEqual([key, limit]);
    await expectAllAtRest(h);
  });

  it('of key, task and queue hold together', async () => {
    const meter = new Meter();
    const make = (name: string, maxRunning: number) =>
      anyTask(name, async (input) => meter.during(['queue', name, `key ${input}`], aMoment), {
        queue: 'q',
        maxRunning,
        concurrency: (input) => ({ key: String(input), limit: 2 }),
      });
    const [one, two] = [make('one', 3), make('two', 4)];
    h = await Harness.start([one, two], undefined, { queues: { q: { maxRunning: 5 } } });
    for (let n = 0; n < 3; n += 1) await h.worker(noPoll);
    const accepted = Array.from({ length: 150 }, (_, n) => h.engine.enqueue(n % 2 ? one : two, n % 5));
    for (const { id } of await Promise.all(accepted)) await h.until(id, 'succeeded');
    expect(meter.most('one')).toBeLessThanOrEqual(3);
    expect(meter.most('two')).toBeLessThanOrEqual(4);
    expect(meter.most('queue')).toBeLessThanOrEqual(5);
    for (let key = 0; key < 5; key += 1) expect(meter.most(`key ${key}`)).toBeLessThanOrEqual(2);
    await expectAllAtRest(h);
  });

  it('hold, and free their slots, through failures, retries, snoozes, cancels and dead workers', async () => {
    const meter = new Meter();
    const rough = anyTask(
      'rough',
      async (input, { job }) =>
        meter.during(['all', `key ${Number(input) % 3}`], async () => {
          await aMoment();
          const fate = Number(input) % 7;
          if (job.attempt === 1 && fate === 1) throw new Error('once');
          if (job.attempt <= 2 && fate === 2) throw new Snooze(1, 'not yet');
          if (fate === 3) throw new PermanentError('never');
          if (fate === 4) throw new Error('again and again');
        }),
      { maxRunning: 4, concurrency: (input) => ({ key: `k${Number(input) % 3}`, limit: 1 }) },
    );
    h = await Harness.start([rough]);
    const ghost = await Ghost.appear(h, 'rough');
    const first = Array.from({ length: 5 }, (_, n) => ({ input: n }));
    const jobs = await h.engine.enqueueMany(rough, first);
    expect((await ghost.claim(3)).taken).toBe(3);
    for (let n = 0; n < 3; n += 1) await h.worker(noPoll);
    const rest = Array.from({ length: 205 }, (_, n) => ({ input: n + 5 }));
    jobs.push(...(await h.engine.enqueueMany(rough, rest)));
    await ghost.die();
    for (const { id } of jobs.filter((_, n) => n % 10 === 9)) await cancelIfCan(h.engine, id);
    for (const { id } of jobs) await h.until(id, 'succeeded', 'failed', 'cancelled');
    expect(meter.most('all')).toBeLessThanOrEqual(4);
    for (let key = 0; key < 3; key += 1) expect(meter.most(`key ${key}`)).toBe(1);
    await expectAllAtRest(h);
  });

  it('of a key wake a worker of another queue', async () => {
    const done: string[] = [];
    const one = anyTask('one', async () => void done.push('one'), { queue: 'first' });
    const two = anyTask('two', async () => void done.push('two'), { queue: 'second' });
    h = await Harness.start([one, two], undefined, { housekeepingMs: 60_000 });
    const jobs = [];
    for (const next of [one, two, one, two, one, two])
      jobs.push(await h.engine.enqueue(next, {}, keyed('k', 1)));
    await h.worker({ ...noPoll, queues: ['first'] });
    await h.worker({ ...noPoll, queues: ['second'] });
    for (const { id } of jobs) await h.until(id, 'succeeded');
    expect(done).toHaveLength(6);
  });
});

describe('a claim that meets a full key', () => {
  it('takes the next jobs without it, and tells of exactly those that it took', async () => {
    const work = anyTask('work', async () => 1);
    h = await Harness.start([work]);
    const holder = await Ghost.appear(h, 'work');
    const many = Array.from({ length: 10 }, () => ({ input: 'keyed', options: keyed('k', 1) }));
    await h.engine.enqueueMany(work, many);
    expect((await holder.claim(1)).taken).toBe(1);
    await h.engine.enqueueMany(
      work,
      Array.from({ length: 30 }, (_, n) => ({ input: n })),
    );
    const claim = await (await Ghost.appear(h, 'work')).claim(4);
    expect(claim).toMatchObject({ taken: 4, limited: false });
    expect((await readClaim(h.db.database, claim.id ?? '0')).list.map((brief) => brief[7])).toEqual([
      0, 1, 2, 3,
    ]);
  });

  it('takes jobs of another key and without one in one go', async () => {
    const work = anyTask('work', async () => 1);
    h = await Harness.start([work]);
    const inputs = ['a', 'a', 'a', 'b', 'b', null, 'a', null];
    for (const input of inputs) await h.engine.enqueue(work, input, input === null ? {} : keyed(input, 1));
    const claim = await (await Ghost.appear(h, 'work')).claim(4);
    expect(claim).toMatchObject({ taken: 4, limited: true });
    expect((await readClaim(h.db.database, claim.id ?? '0')).list.map((brief) => brief[7])).toEqual([
      'a',
      'b',
      null,
      null,
    ]);
  });
});
