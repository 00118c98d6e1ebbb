import { afterEach, describe, expect, it } from 'vitest';
import { claimJobs } from '../../engine/sql/claim.js';
import { registerWorker } from '../../engine/sql/workers.js';
import { anyTask, gate, Harness, leaderOf } from '../../engine/testing/harness.js';
import { newId } from '../../foundation/ids.js';
import { silentLogger } from '../../foundation/logger.js';
import type { Observation } from '../rule.js';
import { workAlerts } from './source.js';

let h: Harness;
afterEach(() => h.stop());

const noop = anyTask('noop', async () => 'done');

/** What each rule sees now. */
async function look(): Promise<Map<string, readonly Observation[] | null>> {
  const sightings = await workAlerts(h.db.database).look(silentLogger);
  return new Map(sightings.map(({ rule, observations }) => [rule.name, observations]));
}

/** The rules whose condition holds now. */
async function bad(): Promise<string[]> {
  const found = await look();
  expect([...found.values()]).not.toContain(null);
  return [...found].flatMap(([rule, seen]) => (seen?.length ? [rule] : []));
}

describe('the rules about work', () => {
  it('see a queue that nobody serves, until somebody does', async () => {
    h = await Harness.start([noop]);
    expect(await bad()).toEqual([]);
    const { id } = await h.engine.enqueue(noop, {});
    expect((await look()).get('NoLiveWorkers')).toMatchObject([{ labels: { queue: 'default' }, value: 1 }]);
    expect(await bad()).toEqual(['NoLiveWorkers']);
    await h.worker();
    await h.until(id, 'succeeded');
    expect(await bad()).toEqual([]);
  });

  it('say nothing of missing workers while the queue is paused', async () => {
    h = await Harness.start([noop]);
    await h.engine.gates.pause('queue', 'default');
    await h.engine.enqueue(noop, {});
    expect(await bad()).toEqual([]);
  });

  it('see jobs that nobody rescues, until somebody does', async () => {
    h = await Harness.start([noop]);
    await h.engine.stop();
    const id = newId();
    const ghost = { id, hostname: 'ghost', pid: 1, queues: null, tasks: ['noop'], concurrency: 1 };
    await registerWorker(h.db.database, { ...ghost, leaseMs: 60_000 });
    await h.engine.enqueue(noop, {});
    const wish = { workerId: id, queues: null, tasks: ['noop'], limit: 1, suspects: true, floor: null };
    await claimJobs(h.db.database, wish);
    const leader = leaderOf(h);
    expect(await leader.runOnce()).toMatchObject({ leading: true });
    expect(await bad()).toEqual([]);
    await h.db.database.query(
      `update signalbox.worker set lease_expires_at = now() - interval '20 seconds' where id = $1`,
      [id],
    );
    expect(await bad()).toEqual(['JobsNotRescued']);
    await leader.runOnce();
    // Rescued, and now it waits for a worker.
    expect(await bad()).toEqual(['NoLiveWorkers']);
    await leader.stop();
  });

  it('see that nobody leads, until somebody does', async () => {
    h = await Harness.start([noop]);
    await h.engine.stop();
    await h.db.database.query(
      `insert into signalbox.leader (name, holder, lease_expires_at)
       values ('housekeeping', $1, now() - interval '45 seconds')`,
      [newId()],
    );
    // Nothing needs a leader.
    expect(await bad()).toEqual([]);
    await h.engine.schedules.put({ name: 'tick', task: 'noop', cron: '@yearly' });
    expect(await bad()).toEqual(['NoLeader']);
    const leader = leaderOf(h);
    await leader.runOnce();
    expect(await bad()).toEqual([]);
    await leader.stop();
  });

  it('see a schedule that is late, until it fires', async () => {
    h = await Harness.start([noop]);
    await h.engine.stop();
    await h.engine.schedules.put({ name: 'tick', task: 'noop', cron: '@yearly' });
    expect(await bad()).toEqual([]);
    await h.db.database.query(
      `update signalbox.schedule set due_at = now() - interval '3 minutes', next_slot = now() - interval '3 minutes'`,
      [],
    );
    expect((await look()).get('ScheduleMissed')).toMatchObject([{ labels: { schedule: 'tick' } }]);
    const leader = leaderOf(h);
    await leader.runOnce();
    await leader.stop();
    expect(await bad()).not.toContain('ScheduleMissed');
  });

  it('see what has been paused for an hour, until it is resumed', async () => {
    h = await Harness.start([noop]);
    await h.engine.gates.pause('task', 'noop');
    expect(await bad()).toEqual([]);
    await h.db.database.query(`update signalbox.gate set paused_at = paused_at - interval '61 minutes'`, []);
    expect((await look()).get('PausedLong')).toMatchObject([{ labels: { task: 'noop' } }]);
    await h.engine.gates.resume('task', 'noop');
    expect(await bad()).toEqual([]);
  });

  it('see a queue that grows and jobs that wait long, where somebody works', async () => {
    const held = gate();
    const slow = anyTask('slow', () => held.passed);
    h = await Harness.start([slow]);
    await h.worker({ concurrency: 1 });
    await h.engine.enqueueMany(
      slow,
      Array.from({ length: 53 }, () => ({ input: {} })),
    );
    const depth = async () => (await look()).get('QueueDeep')?.[0]?.value;
    await expect.poll(depth, { timeout: 30_000 }).toBeGreaterThan(50);
    expect(await bad()).toEqual(['QueueDeep']);
    const back = async (minutes: number) =>
      h.db.database.query(`update signalbox.job set place = place - $1::bigint * 60000000`, [minutes]);
    await back(6);
    expect(await bad()).toEqual(expect.arrayContaining(['QueueDeep', 'JobsWaitLong']));
    expect(await bad()).not.toContain('JobsWaitVeryLong');
    await back(30);
    expect(await bad()).toEqual(expect.arrayContaining(['QueueDeep', 'JobsWaitLong', 'JobsWaitVeryLong']));
    // Whoever paused it knows.
    await h.engine.gates.pause('queue', 'default');
    expect(await bad()).toEqual([]);
    await h.engine.gates.resume('queue', 'default');
    held.open();
    await expect.poll(bad, { timeout: 30_000 }).toEqual([]);
  });

  it('say of a queue without workers only that', async () => {
    h = await Harness.start([noop]);
    await h.engine.enqueueMany(
      noop,
      Array.from({ length: 60 }, () => ({ input: {} })),
    );
    await h.db.database.query(`update signalbox.job set place = place - 3600000000`);
    expect(await bad()).toEqual(['NoLiveWorkers']);
  });

  it('judge nothing while the database is away', async () => {
    h = await Harness.start([noop]);
    const away = { query: async () => Promise.reject(new Error('gone')) };
    const sightings = await workAlerts(away).look(silentLogger);
    expect(sightings.map(({ observations }) => observations)).toEqual(sightings.map(() => null));
  });
});
