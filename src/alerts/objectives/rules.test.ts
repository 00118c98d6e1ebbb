import { afterEach, describe, expect, it } from 'vitest';
import { loadConfig } from '../../config/load.js';
import { PermanentError } from '../../engine/failure.js';
import { anyTask, Harness } from '../../engine/testing/harness.js';
import { newId } from '../../foundation/ids.js';
import { silentLogger } from '../../foundation/logger.js';
import { countChanges } from '../../history/store/keep.js';
import { saveRequests } from '../../history/store/requests.js';
import type { Observation } from '../rule.js';
import { Objectives } from './objectives.js';
import { objectivesSection } from './settings.js';
import { objectiveAlerts } from './source.js';

let h: Harness;
afterEach(() => h.stop());

const good = anyTask('good', async () => null);
const bad = anyTask('bad', async () => Promise.reject(new PermanentError('no')));
const items = (length: number) => Array.from({ length }, () => ({ input: {} }));

function objectives(env: Record<string, string> = {}): Objectives {
  const settings = loadConfig([objectivesSection], { env, flags: {} }).get(objectivesSection);
  return new Objectives(h.db.database, settings);
}

/** What each rule sees now. */
async function look(env?: Record<string, string>): Promise<Map<string, readonly Observation[] | null>> {
  const sightings = await objectiveAlerts(objectives(env), 0).look(silentLogger);
  return new Map(sightings.map(({ rule, observations }) => [rule.name, observations]));
}

/** The rules whose condition holds now. */
async function burning(env?: Record<string, string>): Promise<string[]> {
  const found = await look(env);
  expect([...found.values()]).not.toContain(null);
  return [...found].flatMap(([rule, seen]) => (seen?.length ? [rule] : []));
}

/** Runs so many jobs to their end, and brings the history up to date. */
async function run(task: typeof good, length: number): Promise<void> {
  await h.engine.enqueueMany(task, items(length));
  const unfinished = async () => {
    const { queued, scheduled, retrying, processing } = await h.engine.jobs.counts();
    return queued + scheduled + retrying + processing;
  };
  await expect.poll(unfinished, { timeout: 30_000 }).toBe(0);
  await countChanges(h.db.database);
}

/** As if so long had passed since all that is in the history. */
async function pass(minutes: number): Promise<void> {
  for (const table of ['history', 'history_request']) {
    await h.db.database.query(`update signalbox.${table} set at = at - $1 * interval '1 minute'`, [minutes]);
  }
}

describe('the rules about objectives', () => {
  it('see jobs that fail, fast and slow, until they do no more', async () => {
    h = await Harness.start([good, bad]);
    await h.worker();
    await run(good, 80);
    expect(await burning()).toEqual([]);
    await run(bad, 20);
    expect(await burning()).toEqual(['SuccessBudgetBurn', 'SuccessBudgetSlowBurn']);
    const [seen] = (await look()).get('SuccessBudgetBurn') ?? [];
    expect(seen).toMatchObject({ labels: { queue: 'default' }, value: expect.closeTo(20, 5) });
    expect(seen?.summary).toContain('20 % of 100 jobs of queue "default" failed within 1.0 h');
    // Both short windows of the fast rule have passed, that of the slow one has not.
    await pass(40);
    expect(await burning()).toEqual(['SuccessBudgetSlowBurn']);
    await pass(420);
    expect(await burning()).toEqual([]);
  });

  it('see jobs that wait too long, until they do no more', async () => {
    h = await Harness.start([good]);
    await h.engine.enqueueMany(good, items(20));
    // As if they had been ready a minute ago.
    await h.db.database.query(`update signalbox.job set place = place - 60000000`);
    await h.worker();
    await run(good, 20);
    expect(await burning()).toEqual(['FreshnessBudgetBurn', 'FreshnessBudgetSlowBurn']);
    expect(await burning({ SLO_FRESHNESS_WITHIN: '5m' })).toEqual([]);
    expect(await burning({ SLO_FRESHNESS_BY_QUEUE: 'default=99@10m' })).toEqual([]);
    expect(await burning({ SLO_FRESHNESS_BY_QUEUE: 'other=99@10m' })).not.toEqual([]);
    await run(good, 20);
    await pass(420);
    await run(good, 30);
    expect(await burning()).toEqual([]);
  });

  it('see requests that are answered with errors, until they are no more', async () => {
    h = await Harness.start([good]);
    const answered = async (at: number, requests: number, serverErrors: number) => {
      await saveRequests(h.db.database, newId(), [{ at, requests, serverErrors }]);
      await countChanges(h.db.database);
    };
    const minute = Date.now() - (Date.now() % 60_000);
    await answered(minute, 100, 0);
    expect(await burning()).toEqual([]);
    await answered(minute, 100, 20);
    expect(await burning()).toEqual(['AvailabilityBudgetBurn', 'AvailabilityBudgetSlowBurn']);
    await pass(420);
    expect(await burning()).toEqual([]);
    await answered(minute, 1, 1);
    expect(await burning()).not.toContain('AvailabilityBudgetBurn');
  });

  it('do not judge by a few', async () => {
    h = await Harness.start([good, bad]);
    await h.worker();
    await run(bad, 19);
    expect(await burning()).toEqual([]);
    await run(bad, 1);
    expect(await burning()).toContain('SuccessBudgetBurn');
  });

  it('know nothing while the history is not kept', async () => {
    h = await Harness.start([good]);
    const unknown = async () => [...(await look()).values()].every((seen) => seen === null);
    expect(await unknown()).toBe(true);
    await countChanges(h.db.database);
    expect(await unknown()).toBe(false);
    await h.db.database.query(
      `update signalbox.history_state set counted_to = counted_to - interval '3 minutes'`,
    );
    expect(await unknown()).toBe(true);
  });
});
