import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { createTestDatabase, type TestDatabase } from '../../database/testing/test-database.js';
import { newId } from '../../foundation/ids.js';
import { silentLogger } from '../../foundation/logger.js';
import { endVitals, saveVitals, type VitalsEntry } from '../../health/vitals/store.js';
import { Evaluator } from '../evaluator.js';
import type { Observation } from '../rule.js';
import { openAlerts, resolvedAlerts } from '../store.js';
import { vitalsRules } from './rules.js';
import { vitalsAlerts } from './source.js';

let db: TestDatabase;
beforeEach(async () => {
  db = await createTestDatabase();
});
afterEach(() => db.drop());

const well: VitalsEntry = {
  id: newId(),
  roles: ['server'],
  hostname: 'web-1',
  pid: 7,
  uptimeSeconds: 60,
  stopping: false,
  rssBytes: 100,
  memoryLimitBytes: 1_000,
  cpuShare: 0.1,
  loopLagP99Ms: 1,
  databasePingMs: 1,
  redisUp: true,
  redisPingMs: 1,
  poolSize: 10,
  poolInUse: 10,
  poolWaiting: 0,
  httpSamples: 20,
  httpP95Ms: 30,
};

/** Whom its alerts are about. */
const web = { host: well.hostname, pid: String(well.pid) };

async function put(more: Partial<VitalsEntry> = {}): Promise<void> {
  await saveVitals(db.database, { ...well, ...more });
}

async function silent(id: string, seconds: number): Promise<void> {
  await db.database.query(
    `update signalbox.process_vitals
     set seen_at = now() - $2 * interval '1 second', started_at = started_at - $2 * interval '1 second' where id = $1`,
    [id, seconds],
  );
}

async function look(): Promise<Map<string, readonly Observation[] | null>> {
  const sightings = await vitalsAlerts(db.database).look(silentLogger);
  return new Map(sightings.map(({ rule, observations }) => [rule.name, observations]));
}

/** The rules whose condition holds now. */
async function bad(): Promise<string[]> {
  const found = await look();
  expect([...found.values()]).not.toContain(null);
  return [...found].flatMap(([rule, seen]) => (seen?.length ? [rule] : []));
}

describe.each<[string, Partial<VitalsEntry>, Partial<VitalsEntry>, Observation]>([
  [
    'MemoryHigh',
    { rssBytes: 899 },
    { rssBytes: 900 },
    {
      labels: web,
      value: 0.9,
      summary: 'The server on web-1 (process 7) uses 90 % of its memory.',
    },
  ],
  [
    'CpuHigh',
    { cpuShare: 0.79 },
    { cpuShare: 0.8 },
    {
      labels: web,
      value: 0.8,
      summary: 'The server on web-1 (process 7) uses 80 % of its processors.',
    },
  ],
  [
    'EventLoopLag',
    { loopLagP99Ms: 499 },
    { loopLagP99Ms: 500 },
    {
      labels: web,
      value: 0.5,
      summary: 'The server on web-1 (process 7) has an event loop that is late by 500 ms.',
    },
  ],
  [
    'PoolExhausted',
    { poolInUse: 9, poolWaiting: 1 },
    { poolInUse: 10, poolWaiting: 1 },
    {
      labels: web,
      value: 1,
      summary: 'The server on web-1 (process 7) has all 10 connections in use, and waiting for one: 1.',
    },
  ],
  [
    'HttpSlow',
    { httpP95Ms: 5_000, httpSamples: 19 },
    { httpP95Ms: 2_000, httpSamples: 20 },
    {
      labels: web,
      value: 2,
      summary: 'The server on web-1 (process 7) takes 2.0 s or longer for one in twenty of 20 requests.',
    },
  ],
  [
    'DatabaseSlow',
    { databasePingMs: 499 },
    { databasePingMs: 500 },
    {
      labels: {},
      value: 0.5,
      summary: 'The database takes 500 ms to answer a ping; slow for 1 of 1 processes.',
    },
  ],
  [
    'RedisSlow',
    { redisPingMs: 199 },
    { redisPingMs: 200 },
    { labels: {}, value: 0.2, summary: 'Redis takes 200 ms to answer a ping; slow for 1 of 1 processes.' },
  ],
  [
    'RedisDown',
    { redisUp: null, redisPingMs: null },
    { redisUp: false, redisPingMs: null },
    { labels: {}, value: 1, summary: 'Redis does not answer 1 of 1 processes.' },
  ],
])('%s', (rule, tolerable, intolerable, observation) => {
  it('holds from its threshold on, no other with it, until it is well or gone', async () => {
    await put(tolerable);
    expect(await bad()).toEqual([]);
    await put(intolerable);
    expect(await bad()).toEqual([rule]);
    expect((await look()).get(rule)).toEqual([observation]);
    await put();
    expect(await bad()).toEqual([]);
    await put(intolerable);
    await endVitals(db.database, well.id);
    expect(await bad()).toEqual([]);
  });

  it('fires after its time and resolves', async () => {
    const edges: string[] = [];
    const evaluator = new Evaluator({
      db: db.database,
      logger: silentLogger,
      sources: [vitalsAlerts(db.database)],
      record: async (_tx, alerts) => {
        for (const alert of alerts) edges.push(`${alert.rule} ${alert.state}`);
      },
    });
    try {
      await put(intolerable);
      await evaluator.runOnce();
      expect(edges).toEqual([]);
      const { forMs = 0 } = vitalsRules.find(({ name }) => name === rule) ?? {};
      await db.database.query(`update signalbox.alert set since = since - $1 * interval '1 millisecond'`, [
        forMs,
      ]);
      await put(intolerable);
      await evaluator.runOnce();
      expect(edges).toEqual([`${rule} firing`]);
      await put();
      await evaluator.runOnce();
      expect(edges).toEqual([`${rule} firing`, `${rule} resolved`]);
      expect(await openAlerts(db.database)).toEqual([]);
      expect(await resolvedAlerts(db.database, { limit: 10 })).toHaveLength(1);
    } finally {
      await evaluator.stop();
    }
  });
});

describe('ProcessLost', () => {
  it('holds for a process that is gone without a word, until it is heard of again', async () => {
    await put();
    await silent(well.id, 29);
    expect(await bad()).toEqual([]);
    await silent(well.id, 31);
    expect(await bad()).toEqual(['ProcessLost']);
    const [seen] = (await look()).get('ProcessLost') ?? [];
    expect(seen?.labels).toEqual(web);
    expect(seen?.summary).toMatch(
      /^The server on web-1 \(process 7\) has not been heard of for 3\d\.\d s\.$/,
    );
    await put();
    expect(await bad()).toEqual([]);
  });

  it('says of what is lost nothing else', async () => {
    await put({ rssBytes: 1_000, redisUp: false });
    await silent(well.id, 60);
    expect(await bad()).toEqual(['ProcessLost']);
  });

  it('means no process that stops in order, in time or not', async () => {
    await put();
    await put({ stopping: true });
    await silent(well.id, 600);
    expect(await bad()).toEqual([]);
    const other = newId();
    await put({ id: other });
    await silent(other, 600);
    expect(await bad()).toEqual(['ProcessLost']);
    await endVitals(db.database, other);
    expect(await bad()).toEqual([]);
  });

  it('is over when another with its roles was started after it, one for each', async () => {
    const lost = [newId(), newId()];
    for (const [n, id] of lost.entries()) {
      await put({ id, pid: 100 + n });
      await silent(id, 600);
    }
    // There before: it takes nobody's place.
    await put({ id: newId(), pid: 1, uptimeSeconds: 3_600 });
    const pids = async () => ((await look()).get('ProcessLost') ?? []).map(({ labels }) => labels.pid).sort();
    expect(await pids()).toEqual(['100', '101']);
    await put({ id: newId(), pid: 2, roles: ['server', 'worker'] });
    expect(await pids()).toEqual(['100', '101']);
    await put({ id: newId(), pid: 3 });
    expect(await pids()).toHaveLength(1);
    await put({ id: newId(), pid: 4 });
    expect(await pids()).toEqual([]);
  });

  it('means nobody who could not write while the database was away', async () => {
    const edges: string[] = [];
    const evaluator = new Evaluator({
      db: db.database,
      logger: silentLogger,
      sources: [vitalsAlerts(db.database)],
      record: async (_tx, alerts) => void edges.push(...alerts.map(({ rule, state }) => `${rule} ${state}`)),
    });
    await put();
    await silent(well.id, 600);
    await evaluator.runOnce();
    expect(await openAlerts(db.database)).toMatchObject([{ rule: 'ProcessLost', state: 'pending' }]);
    await put();
    await evaluator.runOnce();
    await evaluator.stop();
    expect(edges).toEqual([]);
    expect(await openAlerts(db.database)).toEqual([]);
  });

  it('is forgotten after a day', async () => {
    await put();
    await silent(well.id, 90_000);
    expect(await bad()).toEqual([]);
  });
});
