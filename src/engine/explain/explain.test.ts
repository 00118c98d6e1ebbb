import { afterEach, describe, expect, it } from 'vitest';
import { PermanentError, Snooze } from '../failure.js';
import { Ghost } from '../testing/ghost.js';
import { anyTask, gate, Harness } from '../testing/harness.js';

let h: Harness;
afterEach(() => h.stop());

async function codes(id: string): Promise<string[]> {
  return (await h.engine.jobs.explain(id)).reasons.map((reason) => reason.code);
}

describe('explain', () => {
  it('names the missing worker and the command, as the findings do, until there is one', async () => {
    const work = anyTask('work', async () => 'done', { queue: 'images' });
    h = await Harness.start([work]);
    const { id } = await h.engine.enqueue(work, {});
    expect(await h.engine.jobs.explain(id)).toMatchObject({
      status: 'queued',
      summary: 'No live worker serves queue "images".',
      reasons: [{ code: 'no_worker', remedy: 'signalbox start --worker --queues images' }],
    });
    expect(await h.engine.findings()).toMatchObject([
      {
        code: 'no_live_worker',
        queue: 'images',
        tasks: ['work'],
        waiting: 1,
        remedy: 'signalbox start --worker --queues images',
      },
    ]);
    const wrong = await h.worker({ queues: ['other'] });
    expect(await codes(id)).toEqual(['no_worker_for_queue']);
    expect(await h.engine.findings()).toHaveLength(1);
    await wrong.stop();
    await h.worker({ queues: ['images'] });
    await h.until(id, 'succeeded');
    expect(await codes(id)).toEqual(['succeeded']);
    expect(await h.engine.findings()).toEqual([]);
  });

  it('tells a worker without the task from no worker', async () => {
    const work = anyTask('work', async () => 'done');
    h = await Harness.start([work]);
    const { id } = await h.engine.enqueue(work, {});
    await h.db.database.query(
      `insert into signalbox.worker (id, hostname, pid, tasks, concurrency, lease_expires_at)
       values (gen_random_uuid(), 'old', 1, '{}', 1, now() + interval '1 minute')`,
    );
    expect(await codes(id)).toEqual(['no_worker_for_task']);
    expect(await h.engine.findings()).toMatchObject([
      { code: 'no_worker_for_task', queue: 'default', tasks: ['work'], waiting: 1 },
    ]);
  });

  it('says that slots are busy, how many come before, and that it runs', async () => {
    const go = gate();
    const started = gate();
    const work = anyTask('work', async () => {
      started.open();
      await go.passed;
    });
    h = await Harness.start([work]);
    await h.worker({ concurrency: 1 });
    const first = await h.engine.enqueue(work, {});
    await started.passed;
    const second = await h.engine.enqueue(work, {});
    const third = await h.engine.enqueue(work, {});
    expect(await codes(first.id)).toEqual(['running']);
    expect((await h.engine.jobs.explain(second.id)).summary).toContain('the first in its queue');
    expect(await codes(third.id)).toEqual(['slots_busy']);
    expect((await h.engine.jobs.explain(third.id)).summary).toContain('1 in its queue come before it');
    go.open();
    await h.until(third.id, 'succeeded');
  });

  it('gives both causes of a scheduled job without a worker', async () => {
    const work = anyTask('work', async () => 'done');
    h = await Harness.start([work]);
    const { id } = await h.engine.enqueue(work, {}, { runAt: new Date(Date.now() + 60_000) });
    expect(await codes(id)).toEqual(['scheduled', 'no_worker']);
    await h.worker();
    expect(await codes(id)).toEqual(['scheduled']);
    // Nothing is stuck: its time has not come.
    expect(await h.engine.findings()).toEqual([]);
  });

  it('repeats why a handler put it off, why an attempt failed, and why it ended', async () => {
    const picky = anyTask('picky', async () => {
      throw new Snooze(60_000, 'no sandbox is free');
    });
    const flaky = anyTask(
      'flaky',
      async () => {
        throw new TypeError('odd');
      },
      { backoff: { initialMs: 60_000 } },
    );
    const hopeless = anyTask('hopeless', async () => {
      throw new PermanentError('bad photograph');
    });
    h = await Harness.start([picky, flaky, hopeless]);
    await h.worker();
    const snoozed = await h.engine.enqueue(picky, {});
    await h.untilJob(snoozed.id, (job) => job.reason === 'snoozed');
    expect((await h.engine.jobs.explain(snoozed.id)).summary).toContain('no sandbox is free');
    const retrying = await h.engine.enqueue(flaky, {});
    await h.until(retrying.id, 'retrying');
    expect((await h.engine.jobs.explain(retrying.id)).summary).toMatch(/TypeError: odd.*1 of 3 attempts/);
    const failed = await h.engine.enqueue(hopeless, {});
    await h.until(failed.id, 'failed');
    expect(await h.engine.jobs.explain(failed.id)).toMatchObject({
      reasons: [{ code: 'failed', remedy: expect.stringContaining(`jobs retry ${failed.id}`) }],
    });
  });

  it('says that a worker is lost, and finds it stuck when nobody rescues', async () => {
    const work = anyTask('work', async () => 'done');
    h = await Harness.start([work]);
    await h.engine.stop();
    const { id } = await h.engine.enqueue(work, {});
    const ghost = await Ghost.appear(h, 'work');
    await ghost.claim(1);
    await h.db.database.query(`update signalbox.worker set lease_expires_at = now() - interval '1 minute'`);
    expect(await codes(id)).toEqual(['worker_lost', 'no_leader']);
    expect(await h.engine.findings()).toMatchObject([{ code: 'worker_lost', waiting: 1 }]);
  });
});
