import { afterEach, describe, expect, it } from 'vitest';
import { RateLimited } from '../failure.js';
import { Ghost } from '../testing/ghost.js';
import { anyTask, gate, Harness } from '../testing/harness.js';

let h: Harness;
afterEach(() => h.stop());

async function codes(id: string): Promise<string[]> {
  return (await h.engine.jobs.explain(id)).reasons.map((reason) => reason.code);
}

async function reasonOf(id: string, code: string) {
  return (await h.engine.jobs.explain(id)).reasons.find((reason) => reason.code === code);
}

const work = anyTask('work', async () => 'done');

describe('explain', () => {
  it.each([
    ['queue', 'default', 'Queue "default" is paused.'],
    ['task', 'work', 'Task "work" is paused.'],
  ] as const)('names a paused %s and how to resume it, until it is', async (kind, name, sentence) => {
    h = await Harness.start([work]);
    await h.worker();
    await h.engine.gates.pause(kind, name);
    const { id } = await h.engine.enqueue(work, {});
    const later = await h.engine.enqueue(work, {}, { runAt: new Date(Date.now() + 60_000) });
    expect(await h.engine.jobs.explain(id)).toMatchObject({
      summary: sentence,
      reasons: [{ code: 'paused', remedy: `To let it go on: engine.gates.resume('${kind}', '${name}')` }],
    });
    expect(await codes(later.id)).toEqual(['scheduled', 'paused']);
    await h.engine.gates.resume(kind, name);
    await h.until(id, 'succeeded');
    expect(await codes(id)).toEqual(['succeeded']);
    expect(await codes(later.id)).toEqual(['scheduled']);
  });

  it('names the limits that are reached, all of them, and who holds them, until they are free', async () => {
    const go = gate();
    const begun = gate();
    const slow = anyTask('slow', async () => {
      begun.open();
      await go.passed;
    });
    h = await Harness.start([slow], undefined, { queues: { default: { maxRunning: 1 } } });
    await h.engine.gates.limit('task', 'slow', { maxRunning: 1 });
    await h.worker({ concurrency: 4 });
    const limit = { concurrency: { key: 'acme', limit: 1 } };
    const first = await h.engine.enqueue(slow, {}, limit);
    await begun.passed;
    const { id } = await h.engine.enqueue(slow, {}, limit);
    const { reasons } = await h.engine.jobs.explain(id);
    const running = `may run 1 job at once, and 1 runs: ${first.id}.`;
    const use = { limit: 1, inUse: 1, jobs: [first.id] };
    expect(reasons).toEqual([
      {
        code: 'limit_reached',
        details: { kind: 'queue', name: 'default', ...use },
        message: `Queue "default" ${running}`,
        remedy: `To run more at once: engine.gates.limit('queue', 'default', { maxRunning: 2 })`,
      },
      expect.objectContaining({ code: 'limit_reached', message: `Task "slow" ${running}` }),
      {
        code: 'limit_reached',
        details: { kind: 'key', name: 'acme', ...use },
        message: `Its key "acme" ${running}`,
        remedy: null,
      },
    ]);
    await h.engine.gates.limit('queue', 'default', { maxRunning: null });
    await h.engine.gates.limit('task', 'slow', { maxRunning: 0 });
    expect((await h.engine.jobs.explain(id)).reasons.map(({ message }) => message)).toEqual([
      'Task "slow" may run no job: its limit is 0.',
      `Its key "acme" ${running}`,
    ]);
    await h.engine.gates.limit('task', 'slow', { maxRunning: null });
    expect(await codes(id)).toEqual(['limit_reached']);
    go.open();
    await h.until(id, 'succeeded');
  });

  it('counts the holders that it does not name', async () => {
    const tight = anyTask('tight', async () => 1, { maxRunning: 5 });
    h = await Harness.start([tight]);
    const ghost = await Ghost.appear(h, 'tight');
    await h.engine.enqueueMany(
      tight,
      Array.from({ length: 5 }, () => ({ input: {} })),
    );
    await ghost.claim(5);
    const { id } = await h.engine.enqueue(tight, {});
    const message = (await reasonOf(id, 'limit_reached'))?.message;
    expect(message).toMatch(/may run 5 jobs at once, and 5 run: .{36}, .{36}, .{36} and 2 others\.$/);
    expect(await codes(id)).toEqual(['limit_reached', 'slots_busy']);
  });

  it('says until when a rate lets nothing start', async () => {
    const rare = anyTask('rare', async () => 1, { rate: { count: 1, periodMs: 3_600_000 } });
    h = await Harness.start([rare]);
    const first = await h.engine.enqueue(rare, {});
    expect(await codes(first.id)).not.toContain('rate_limited');
    await h.worker();
    await h.until(first.id, 'succeeded');
    const { id } = await h.engine.enqueue(rare, {});
    const { message = '' } = (await reasonOf(id, 'rate_limited')) ?? {};
    const opens = Date.parse(message.match(/before (.*)\.$/)?.[1] ?? '');
    expect(opens - Date.now()).toBeGreaterThan(3_500_000);
    expect(opens - Date.now()).toBeLessThan(3_601_000);
    await h.engine.gates.limit('task', 'rare', { rate: null });
    await h.until(id, 'succeeded');
  });

  it('says that an upstream asked for patience, of the job it refused and of the others', async () => {
    const refused = anyTask('refused', async () => {
      throw new RateLimited(60_000, 'the provider said 429');
    });
    h = await Harness.start([refused]);
    await h.worker();
    const first = await h.engine.enqueue(refused, {});
    await h.untilJob(first.id, (job) => job.reason === 'rate_limited');
    expect((await reasonOf(first.id, 'rate_limited'))?.message).toContain('the provider said 429');
    const { id } = await h.engine.enqueue(refused, {});
    expect(await codes(id)).toEqual(['rate_limited']);
  });

  it('says when it would be too late, and that it was', async () => {
    h = await Harness.start([work]);
    const [expiresAt, deadlineAt] = [new Date(Date.now() + 60_000), new Date(Date.now() + 70_000)];
    const { id } = await h.engine.enqueue(work, {}, { expiresAt, deadlineAt });
    expect(await codes(id)).toEqual(['no_worker', 'expires', 'deadline']);
    expect((await reasonOf(id, 'expires'))?.message).toContain(expiresAt.toISOString());
    expect((await reasonOf(id, 'deadline'))?.message).toContain(deadlineAt.toISOString());
    const ghost = await Ghost.appear(h, 'work');
    await ghost.claim(1);
    expect(await codes(id)).toEqual(['running', 'deadline']);
    const late = await h.engine.enqueue(work, {}, { expiresAt: new Date(Date.now() - 1) });
    const overdue = await h.engine.enqueue(work, {}, { deadlineAt: new Date(Date.now() - 1) });
    for (const job of [late, overdue]) await h.until(job.id, 'failed');
    expect((await h.engine.jobs.explain(late.id)).summary).toContain('It had not started by');
    expect((await h.engine.jobs.explain(overdue.id)).summary).toContain('It had not ended by its deadline');
  });
});
