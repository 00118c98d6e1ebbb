import { afterEach, describe, expect, it } from 'vitest';
import { PermanentError } from '../../engine/failure.js';
import { anyTask, Harness } from '../../engine/testing/harness.js';
import { newId } from '../../foundation/ids.js';
import { silentLogger } from '../../foundation/logger.js';
import { countChanges } from '../../history/store/keep.js';
import { saveRequests } from '../../history/store/requests.js';
import type { Observation } from '../rule.js';
import { trafficAlerts } from './source.js';

let h: Harness;
afterEach(() => h.stop());

const good = anyTask('good', async () => null);
const bad = anyTask('bad', async () => Promise.reject(new PermanentError('no')));

async function look(): Promise<Map<string, readonly Observation[] | null>> {
  const sightings = await trafficAlerts(h.db.database).look(silentLogger);
  return new Map(sightings.map(({ rule, observations }) => [rule.name, observations]));
}

/** The rules whose condition holds now. */
async function wrong(): Promise<string[]> {
  const found = await look();
  expect([...found.values()]).not.toContain(null);
  return [...found].flatMap(([rule, seen]) => (seen?.length ? [rule] : []));
}

/** Runs so many jobs to their end, and brings the history up to date. */
async function run(task: typeof good, length: number): Promise<void> {
  await h.engine.enqueueMany(
    task,
    Array.from({ length }, () => ({ input: {} })),
  );
  const unfinished = async () => {
    const { queued, processing } = await h.engine.jobs.counts();
    return queued + processing;
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

describe('the rules about what went wrong lately', () => {
  it('see jobs that fail, until the time they look back is over', async () => {
    h = await Harness.start([good, bad]);
    await h.worker();
    await run(good, 17);
    await run(bad, 2);
    // 19 are too few to judge by.
    expect(await wrong()).toEqual([]);
    await run(bad, 1);
    expect(await wrong()).toEqual(['JobsFailing', 'SuccessLow']);
    const [seen] = (await look()).get('JobsFailing') ?? [];
    expect(seen).toMatchObject({ labels: { queue: 'default' }, value: 0.15 });
    expect(seen?.summary).toBe('15 % of 20 jobs of queue "default" failed within 15 min.');
    await pass(20);
    expect(await wrong()).toEqual(['SuccessLow']);
    await pass(60);
    expect(await wrong()).toEqual([]);
  });

  it('bear with a share that is below the threshold', async () => {
    h = await Harness.start([good, bad]);
    await h.worker();
    await run(good, 38);
    await run(bad, 2);
    expect(await wrong()).toEqual([]);
  });

  it('see errors of the servers, of all of them together, for five minutes', async () => {
    h = await Harness.start([good]);
    await countChanges(h.db.database);
    const at = Math.floor(Date.now() / 60_000) * 60_000;
    await saveRequests(h.db.database, newId(), [{ at, requests: 15, serverErrors: 0 }]);
    await saveRequests(h.db.database, newId(), [{ at, requests: 5, serverErrors: 1 }]);
    expect(await wrong()).toEqual([]);
    await saveRequests(h.db.database, newId(), [{ at, requests: 5, serverErrors: 1 }]);
    expect(await wrong()).toEqual(['HttpErrors']);
    expect((await look()).get('HttpErrors')).toMatchObject([{ labels: {}, value: 0.08 }]);
    await pass(10);
    expect(await wrong()).toEqual([]);
  });

  it('know nothing while the history does not', async () => {
    h = await Harness.start([good]);
    await h.engine.stop();
    await countChanges(h.db.database);
    await h.db.database.query(`update signalbox.history_state set counted_to = now() - interval '3 minutes'`);
    expect([...(await look()).values()]).toEqual([null, null, null]);
  });
});
