import { afterEach, describe, expect, it } from 'vitest';
import { expectAllAtRest } from './testing/consistency.js';
import { Ghost } from './testing/ghost.js';
import { anyTask, gate, Harness } from './testing/harness.js';
import { Meter } from './testing/meter.js';

let h: Harness;
afterEach(() => h.stop());

const noPoll = { pollMs: 60_000, concurrency: 8 };

/** A task of which `until` so many have begun can be waited for, and which ends when `go` is opened. */
function held() {
  const meter = new Meter();
  const go = gate();
  let begun = 0;
  const waiting: { readonly count: number; open(): void }[] = [];
  const work = anyTask('work', async () =>
    meter.during(['all'], async () => {
      begun += 1;
      for (const { count, open } of waiting) if (begun >= count) open();
      await go.passed;
    }),
  );
  const until = async (count: number): Promise<void> => {
    const reached = gate();
    waiting.push({ count, open: reached.open });
    if (begun >= count) reached.open();
    await reached.passed;
  };
  return { work, meter, go, until, begun: () => begun };
}

async function slotsOf(kind: string): Promise<number | undefined> {
  return (await h.engine.gates.list()).find((found) => found.kind === kind)?.inUse;
}

describe('a limit that is changed while jobs run', () => {
  it('counts those that run already, and opens when it is raised or taken away', async () => {
    const { work, meter, go, until, begun } = held();
    h = await Harness.start([work]);
    await h.worker(noPoll);
    const enqueue = () => h.engine.enqueue(work, {});
    const jobs = [await enqueue(), await enqueue(), await enqueue()];
    await until(3);
    await h.engine.gates.limit('task', 'work', { maxRunning: 3 });
    expect(await slotsOf('task')).toBe(3);
    jobs.push(await enqueue(), await enqueue(), await enqueue());
    // Whoever claims now is refused, the worker included.
    expect((await (await Ghost.appear(h, 'work')).claim(5)).taken).toBe(0);
    expect(begun()).toBe(3);
    await h.engine.gates.limit('task', 'work', { maxRunning: 5 });
    await until(5);
    expect((await (await Ghost.appear(h, 'work')).claim(5)).taken).toBe(0);
    expect(meter.most('all')).toBe(5);
    await h.engine.gates.limit('task', 'work', { maxRunning: null });
    await until(6);
    expect(await slotsOf('task')).toBe(0);
    go.open();
    for (const { id } of jobs) await h.until(id, 'succeeded');
    await expectAllAtRest(h);
  });

  it('holds for a queue too, and nothing new starts above a lowered one', async () => {
    const { work, meter, go, until } = held();
    h = await Harness.start([work]);
    await h.worker(noPoll);
    const jobs = await h.engine.enqueueMany(
      work,
      Array.from({ length: 12 }, () => ({ input: {} })),
    );
    await until(8);
    await h.engine.gates.limit('queue', 'default', { maxRunning: 2 });
    expect((await (await Ghost.appear(h, 'work')).claim(5)).taken).toBe(0);
    expect(await slotsOf('queue')).toBe(8);
    go.open();
    for (const { id } of jobs) await h.until(id, 'succeeded');
    expect(meter.most('all')).toBe(8);
    // The slots of those that began without the limit are healed, else nothing would ever start again.
    const { id } = await h.engine.enqueue(work, {});
    await h.until(id, 'succeeded');
  });

  it('stops everything at 0 until it is raised', async () => {
    const work = anyTask('work', async () => 'ran');
    h = await Harness.start([work]);
    await h.engine.gates.limit('queue', 'default', { maxRunning: 0 });
    await h.worker(noPoll);
    const { id } = await h.engine.enqueue(work, {});
    expect((await (await Ghost.appear(h, 'work')).claim(5)).taken).toBe(0);
    await h.engine.gates.limit('queue', 'default', { maxRunning: 1 });
    await h.until(id, 'succeeded');
  });

  it('stays what was set at run time when the same code starts again, and gives way to new code', async () => {
    const work = anyTask('work', async () => 'ran', { maxRunning: 3 });
    h = await Harness.start([work]);
    const limit = async () => (await h.engine.gates.list()).find(({ kind }) => kind === 'task')?.maxRunning;
    expect(await limit()).toBe(3);
    await h.engine.gates.limit('task', 'work', { maxRunning: 7 });
    await h.another([work]);
    expect(await limit()).toBe(7);
    await h.another([anyTask('work', async () => 'ran', { maxRunning: 4 })]);
    expect(await limit()).toBe(4);
    await h.another([anyTask('work', async () => 'ran')]);
    expect(await limit()).toBe(null);
  });

  it('is refused when it is no limit', async () => {
    h = await Harness.start([]);
    for (const limits of [
      { maxRunning: -1 },
      { maxRunning: 1.5 },
      { maxRunning: 1e10 },
      { rate: { count: 0, periodMs: 1 } },
      { rate: { count: 1, periodMs: Number.NaN } },
      { rate: { count: 1e10, periodMs: 1 } },
    ]) {
      const refused = { code: 'limit_invalid' };
      await expect(h.engine.gates.limit('task', 'work', limits)).rejects.toMatchObject(refused);
      await expect(h.another([], { queues: { q: limits } })).rejects.toMatchObject(refused);
    }
  });
});

describe('slots that were left behind', () => {
  it('are healed, those of queues and tasks with a word to the workers', async () => {
    const work = anyTask('work', async () => 'ran', { maxRunning: 1 });
    h = await Harness.start([work]);
    await h.worker(noPoll);
    await h.db.database.query(
      `insert into signalbox.slot (limiter, job_id) values ('task:work', gen_random_uuid()), ('key:k', gen_random_uuid())`,
    );
    const first = await h.engine.enqueue(work, {});
    const second = await h.engine.enqueue(work, {}, { concurrency: { key: 'k', limit: 1 } });
    await h.until(first.id, 'succeeded');
    await h.until(second.id, 'succeeded');
    await expectAllAtRest(h);
  });

  it('do not keep their job from running again', async () => {
    const work = anyTask('work', async () => 'ran', { maxRunning: 5 });
    h = await Harness.start([work], undefined, { housekeepingMs: 60_000 });
    const { id } = await h.engine.enqueue(work, {}, { concurrency: { key: 'k', limit: 2 } });
    await h.db.database.query(
      `insert into signalbox.slot (limiter, job_id) values ('task:work', $1), ('key:k', $1)`,
      [id],
    );
    await h.worker(noPoll);
    await h.until(id, 'succeeded');
    await expectAllAtRest(h);
  });
});
