import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { QueueCensus } from './census.js';
import { schedule } from './schedules/definition.js';
import { Ghost } from './testing/ghost.js';
import { anyTask, Harness } from './testing/harness.js';

const work = anyTask('work', async () => 1);
const other = anyTask('other', async () => 1, { queue: 'elsewhere', timeoutMs: 60_000 });

let h: Harness;
beforeEach(async () => {
  h = await Harness.start([work, other]);
});
afterEach(() => h.stop());

async function queue(name: string): Promise<QueueCensus> {
  const found = (await h.engine.census()).queues.find((one) => one.queue === name);
  if (found === undefined) throw new Error(`${name} is not in the census`);
  return found;
}

const hourMs = 3_600_000;
const age = (id: string, ms: number) =>
  h.db.database.query(`update signalbox.job set place = place - $2::bigint * 1000 where id = $1`, [id, ms]);

describe('a census', () => {
  it('knows every queue and task before there is a job', async () => {
    const { queues, tasks, led } = await h.engine.census();
    expect(queues.map(({ queue: name }) => name)).toEqual(['default', 'elsewhere']);
    expect(queues[0]).toMatchObject({ unserved: 0, workers: 0, waitingMs: null, runningMs: null });
    expect(Object.values(queues[0]?.jobs ?? {})).toEqual(Array(8).fill(0));
    expect([...tasks].sort()).toEqual(['other', 'work']);
    expect(typeof led).toBe('boolean');
  });

  it('counts by state and tells the oldest that waits, whatever its priority', async () => {
    const late = await h.engine.enqueue(work, 1, { priority: 9 });
    await h.engine.enqueueMany(work, [{ input: 1 }, { input: 2, options: { priority: -5 } }]);
    await h.engine.enqueue(work, 1, { runAt: new Date(Date.now() + hourMs) });
    await age(late.id, hourMs);
    const found = await queue('default');
    expect(found.jobs).toMatchObject({ queued: 3, scheduled: 1, processing: 0 });
    expect(found.waitingMs).toBeGreaterThanOrEqual(hourMs);
    expect(found.waitingMs).toBeLessThan(2 * hourMs);
    expect((await queue('elsewhere')).waitingMs).toBeNull();
  });

  it('passes over what runs, and tells how long it has been running and how far it is over its time', async () => {
    const ghost = await Ghost.appear(h, 'other');
    const { id } = await h.engine.enqueue(other, 1);
    await age(id, 2 * hourMs);
    await ghost.claim(1);
    const running = await queue('elsewhere');
    expect(running).toMatchObject({ waitingMs: null, overrunMs: 0, jobs: { processing: 1, queued: 0 } });
    expect(running.runningMs).toBeLessThan(hourMs);
    // Not so far over its time that the leader would take it away.
    await h.db.database.query(`update signalbox.claim set claimed_at = claimed_at - interval '70 seconds'`);
    const over = await queue('elsewhere');
    expect(over.runningMs).toBeGreaterThanOrEqual(70_000);
    expect(over.overrunMs).toBeGreaterThanOrEqual(10_000);
    await h.engine.enqueue(other, 2);
    expect((await queue('elsewhere')).waitingMs).toBeLessThan(hourMs);
  });

  it('counts what is due and not promoted as waiting', async () => {
    await h.engine.stop();
    const { id } = await h.engine.enqueue(work, 1, { runAt: new Date(Date.now() + hourMs) });
    await h.db.database.query(
      `update signalbox.job set run_at = now() - interval '10 minutes' where id = $1`,
      [id],
    );
    expect((await queue('default')).waitingMs).toBeGreaterThanOrEqual(600_000);
  });

  it('counts live workers that can do something of a queue, and the jobs that none can do', async () => {
    await h.engine.enqueueMany(work, [{ input: 1 }, { input: 2 }]);
    await h.engine.enqueue(other, 1);
    const knowing = await Ghost.appear(h, 'work');
    await Ghost.appear(h, 'nothing');
    expect(await queue('default')).toMatchObject({ workers: 1, unserved: 0 });
    expect(await queue('elsewhere')).toMatchObject({ workers: 0, unserved: 1 });
    await h.db.database.query(`update signalbox.worker set status = 'draining' where id = $1`, [knowing.id]);
    expect(await queue('default')).toMatchObject({ workers: 0, unserved: 2 });
  });

  it('tells of schedules when they come next and when their job last succeeded', async () => {
    const every = schedule({ name: 'nightly', task: 'work', input: 1, cron: '0 3 * * *' });
    await h.engine.schedules.sync([every]);
    const resting = schedule({ name: 'resting', task: 'work', input: 1, cron: '0 3 * * *', paused: true });
    await h.engine.schedules.sync([every, resting]);
    const before = await h.engine.census();
    expect(before.schedules).toMatchObject([
      { name: 'nightly', nextRunAt: expect.any(Date), lastSuccessAt: null, failures: 0 },
      { name: 'resting', nextRunAt: null },
    ]);
    const { jobId } = await h.engine.schedules.runNow('nightly');
    await h.worker();
    const job = await h.until(jobId ?? '', 'succeeded');
    const [nightly] = (await h.engine.census()).schedules;
    expect(nightly?.lastSuccessAt).toEqual(job.finishedAt);
  });
});
