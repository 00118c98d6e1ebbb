import { afterEach, describe, expect, it } from 'vitest';
import { PermanentError, Snooze } from './failure.js';
import type { JobEvent } from './job.js';
import { finish, giveBack, saveProgress } from './sql/settle.js';
import { Ghost } from './testing/ghost.js';
import { anyTask, cancelIfCan, gate, Harness } from './testing/harness.js';

let h: Harness;
afterEach(() => h.stop());

/** Waits for its signal and then throws its reason. */
function untilAborted(signal: AbortSignal): Promise<never> {
  return new Promise((_resolve, reject) => {
    signal.addEventListener('abort', () => reject(signal.reason), { once: true });
  });
}

async function told(id: string): Promise<string[]> {
  const events = await h.engine.jobs.events(id);
  expectNumbered(events);
  return events.map(({ type, attempt }) => `${type} ${attempt}`);
}

/** Numbers without gaps, and times that never go back. */
function expectNumbered(events: readonly JobEvent[], from = 1): void {
  expect(events.map(({ seq }) => seq)).toEqual(events.map((_, n) => n + from));
  for (const [n, { at }] of events.entries()) {
    expect(at.getTime()).toBeGreaterThanOrEqual(events[n - 1]?.at.getTime() ?? 0);
  }
}

describe('the events of a job', () => {
  it('tell its whole way, and what was told once stays as it was told', async () => {
    const go = gate();
    const reported = gate();
    const work = anyTask('work', async (_input, { job, progress }) => {
      if (job.attempt === 1) throw new Error('once');
      progress(0.5, 'half');
      reported.open();
      await go.passed;
    });
    h = await Harness.start([work]);
    const { id } = await h.engine.enqueue(work, {}, { runAt: new Date(Date.now() + 1_000) });
    expect(await told(id)).toEqual(['scheduled 0']);
    await h.worker();
    await reported.passed;
    const way = [
      'scheduled 0',
      'queued 0',
      'processing 1',
      'retrying 1',
      'queued 1',
      'processing 2',
      'progress 2',
    ];
    await h.untilJob(id, (job) => job.progress?.message === 'half');
    expect(await told(id)).toEqual(way);
    const before = await h.engine.jobs.events(id);
    go.open();
    await h.until(id, 'succeeded');
    expect(await told(id)).toEqual([...way, 'succeeded 2']);
    expect((await h.engine.jobs.events(id)).slice(0, before.length)).toEqual(before);
    expect(await h.engine.jobs.events(id, 6, 1)).toMatchObject([{ seq: 7, data: { fraction: 0.5 } }]);
    expect(before[3]?.data).toMatchObject({ reason: 'error', error: { message: 'once' } });
    expect(JSON.stringify(before)).not.toContain('stack');
  });

  it('tell a cancel of a running job, of a waiting one, and a retry by a person', async () => {
    const begun = gate();
    const work = anyTask('work', async (_input, { job, signal }) => {
      if (job.attempt > 1) throw new PermanentError('no');
      begun.open();
      return untilAborted(signal);
    });
    h = await Harness.start([work]);
    const waiting = await h.engine.enqueue(work, {}, { runAt: new Date(Date.now() + 60_000) });
    await h.engine.jobs.cancel(waiting.id);
    expect(await told(waiting.id)).toEqual(['scheduled 0', 'cancelled 0']);
    await h.worker();
    const { id } = await h.engine.enqueue(work, {});
    await begun.passed;
    await h.engine.jobs.cancel(id);
    await h.until(id, 'cancelled');
    const first = ['queued 0', 'processing 1', 'cancel_requested 1', 'cancelled 1'];
    expect(await told(id)).toEqual(first);
    await h.engine.jobs.retry(id);
    await h.until(id, 'failed');
    const second = ['queued 1', 'processing 2', 'failed 2'];
    expect(await told(id)).toEqual([...first, ...second]);
    expect((await h.engine.jobs.events(id)).at(-1)?.data).toMatchObject({ error: { message: 'no' } });
    await h.engine.jobs.retry(id);
    await cancelIfCan(h.engine, id);
    await h.until(id, 'failed', 'cancelled');
    expect((await told(id)).slice(0, 7)).toEqual([...first, ...second]);
  });

  it('tell a rescue, and who ran it', async () => {
    const work = anyTask('work', async () => 1);
    h = await Harness.start([work]);
    const ghost = await Ghost.appear(h, 'work');
    const { id } = await h.engine.enqueue(work, {});
    await ghost.claim(1);
    expect(await told(id)).toEqual(['queued 0', 'processing 1']);
    await ghost.die();
    await h.untilJob(id, (job) => job.crashes === 1);
    const worker = await h.worker();
    const workerId = worker.id;
    await h.until(id, 'succeeded');
    expect(await told(id)).toEqual(['queued 0', 'processing 1', 'queued 1', 'processing 2', 'succeeded 2']);
    const events = await h.engine.jobs.events(id);
    expect(events.map(({ data }) => data.worker_id ?? data.reason ?? null)).toEqual([
      null,
      ghost.id,
      'rescued',
      workerId,
      null,
    ]);
  });

  it('are at most 200: the first and the last, with numbers that go on', async () => {
    const rounds = 80;
    const work = anyTask('work', async (_input, { job }) => {
      if (job.attempt <= rounds) throw new Snooze(0, `round ${job.attempt}`);
    });
    h = await Harness.start([work], undefined, { housekeepingMs: 20 });
    await h.worker();
    const { id } = await h.engine.enqueue(work, {});
    await h.until(id, 'succeeded');
    const events = await h.engine.jobs.events(id, 0, 1_000);
    // Each round is processing, scheduled and queued; before them queued, after them processing and succeeded.
    const total = 1 + rounds * 3 + 2;
    expect(events).toHaveLength(200);
    expect(events[0]).toMatchObject({ seq: 1, type: 'queued' });
    expectNumbered(events.slice(1), total - 198);
    expect(events.at(-1)).toMatchObject({ seq: total, type: 'succeeded' });
  });

  it('tell the beginning of an attempt once, however much it says of itself', async () => {
    const work = anyTask('work', async () => 1);
    h = await Harness.start([work]);
    const ghost = await Ghost.appear(h, 'work');
    const { id } = await h.engine.enqueue(work, {});
    const claim = await ghost.claim(1);
    const fence = { jobId: id, attempt: 1, workerId: ghost.id, claimId: claim.id as string };
    for (let n = 1; n <= 210; n += 1) {
      await saveProgress(h.db.database, fence, { fraction: n / 210, message: `step ${n}` }, true);
    }
    const types = async () => (await h.engine.jobs.events(id, 0, 500)).map(({ type }) => type);
    expect((await types()).filter((type) => type === 'processing')).toEqual([]);
    const outcome = { kind: 'succeeded', resultJson: '1' } as const;
    await finish(h.db.database, ghost.id, [{ fence, outcome, limited: false }], [fence.claimId]);
    expect((await types()).filter((type) => type === 'processing')).toEqual([]);
    expect((await h.engine.jobs.events(id, 0, 500)).at(-1)).toMatchObject({ seq: 213, type: 'succeeded' });
  });

  it('are of a job that is known', async () => {
    h = await Harness.start([]);
    for (const id of ['nonsense', '0190d2c0-0000-7000-8000-000000000000']) {
      await expect(h.engine.jobs.events(id)).rejects.toMatchObject({ code: 'job_not_found' });
      await expect(h.engine.jobs.logs(id)).rejects.toMatchObject({ code: 'job_not_found' });
    }
  });
});

describe('a cancel that comes when the job has just ended', () => {
  it('is refused, and one that comes when it is put back ends it', async () => {
    const work = anyTask('work', async () => 1);
    h = await Harness.start([work]);
    const ghost = await Ghost.appear(h, 'work');
    for (const end of ['finished', 'given back']) {
      const { id } = await h.engine.enqueue(work, {});
      const claim = await ghost.claim(1);
      const fence = { jobId: id, attempt: 1, workerId: ghost.id, claimId: claim.id as string };
      const cancel = await h.db.database.transaction(async (tx) => {
        if (end === 'finished') {
          const outcome = { kind: 'succeeded', resultJson: '1' } as const;
          await finish(tx, ghost.id, [{ fence, outcome, limited: false }], [fence.claimId]);
        } else {
          const outcome = { kind: 'released', begun: true } as const;
          await giveBack(tx, ghost.id, [{ fence, outcome, limited: false }], [fence.claimId]);
        }
        const cancelling = h.engine.jobs.cancel(id).catch((error: { code: string }) => error.code);
        const blocked = `select 1 from pg_stat_activity where wait_event_type = 'Lock' and query like '%cancel(%'`;
        while ((await h.db.database.query(blocked)).rowCount === 0);
        return { cancelling };
      });
      const answer = await cancel.cancelling;
      if (end === 'finished') expect(answer).toBe('job_not_cancellable');
      else expect(answer).toMatchObject({ status: 'cancelled' });
    }
  });
});
