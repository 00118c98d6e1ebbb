import { freemem, totalmem } from 'node:os';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { createTestDatabase, type TestDatabase } from '../../database/testing/test-database.js';
import { newId } from '../../foundation/ids.js';
import { silentLogger as logger } from '../../foundation/logger.js';
import { CheckFailure, type HealthCheck } from '../check.js';
import { processLimits } from './limits.js';
import { VitalsMeter, type VitalsSources } from './meter.js';
import { VitalsRecorder } from './recorder.js';
import { pruneVitals, runningProcesses } from './store.js';

let db: TestDatabase;
const started: VitalsRecorder[] = [];
beforeEach(async () => {
  db = await createTestDatabase();
});
afterEach(async () => {
  for (const one of started.splice(0)) await one.stop();
  await db.drop();
});

const beat = { at: new Date(), ms: 3, failures: 0, away: false };
const lag = { read: () => ({ '50': 0, '99': 0.02, '100': 0.1 }) };
const meter = (more: Partial<VitalsSources> = {}) =>
  new VitalsMeter({ database: db.database, pulse: { last: beat }, lag, ...more });
const redis = (run: HealthCheck['run']): HealthCheck => ({ name: 'redis', essential: false, run });

function recorder(of = meter()): { id: string; recorder: VitalsRecorder } {
  const id = newId();
  const identity = { id, roles: ['server'], hostname: 'web-1', pid: 7 } as const;
  const made = new VitalsRecorder({ db: db.database, meter: of, identity, logger, intervalMs: 3_600_000 });
  started.push(made);
  return { id, recorder: made };
}
const running = () => runningProcesses(db.database, 86_400_000);

describe('the vitals of a process', () => {
  it('are a row that it writes anew, and that says when it was seen', async () => {
    const { id, recorder: one } = recorder(meter({ requests: () => ({ samples: 9, p95Ms: 12 }) }));
    await one.runOnce();
    await db.database.query(`update signalbox.process_vitals set seen_at = now() - interval '1 minute'`);
    const [before] = await running();
    expect(before).toMatchObject({ id, roles: ['server'], hostname: 'web-1', pid: 7, stoppingAt: null });
    expect(before?.ageMs).toBeGreaterThanOrEqual(60_000);
    await one.runOnce();
    const [after] = await running();
    expect(after?.ageMs).toBeLessThan(60_000);
    expect(after?.startedAt).toEqual(before?.startedAt);
    expect(after).toMatchObject({
      databasePingMs: 3,
      loopLagP99Ms: 20,
      redisUp: null,
      redisPingMs: null,
      poolSize: 10,
      poolWaiting: 0,
      httpSamples: 9,
      httpP95Ms: 12,
    });
    expect(after?.rssBytes).toBeGreaterThan(1_000_000);
    expect(after?.rssBytes).toBeLessThan(after?.memoryLimitBytes ?? 0);
  });

  it('end in order, and begin to as soon as that is known', async () => {
    const { recorder: one } = recorder();
    await one.start();
    await expect.poll(async () => (await running()).length, { timeout: 20_000 }).toBe(1);
    one.announceStop();
    await expect.poll(async () => (await running())[0]?.stoppingAt, { timeout: 20_000 }).toBeInstanceOf(Date);
    await one.stop();
    expect(await running()).toEqual([]);
    const { rows } = await db.database.query('select ended_at from signalbox.process_vitals');
    expect(rows).toEqual([{ ended_at: expect.any(Date) }]);
    await one.stop();
  });

  it('are kept for a week', async () => {
    const [old, young] = [recorder(), recorder()];
    await old.recorder.runOnce();
    await young.recorder.runOnce();
    await db.database.query(
      `update signalbox.process_vitals set seen_at = now() - interval '8 days' where id = $1`,
      [old.id],
    );
    expect(await recorder().recorder.runOnce()).toEqual({ removed: 1 });
    expect(await pruneVitals(db.database, 7 * 86_400_000)).toBe(0);
    const { rows } = await db.database.query('select id from signalbox.process_vitals where id = $1', [
      young.id,
    ]);
    expect(rows).toHaveLength(1);
  });
});

describe('what a process may have', () => {
  it('is no more than the machine has', () => {
    const { memoryBytes, cpus } = processLimits();
    expect(memoryBytes).toBeLessThanOrEqual(totalmem());
    expect(memoryBytes).toBeGreaterThan(Math.min(freemem(), 1_000_000));
    expect(cpus).toBeGreaterThanOrEqual(1);
  });
});

describe('the meter', () => {
  it('tells the processor time since it was asked last, as a share of all', async () => {
    const one = meter();
    const end = performance.now() + 300;
    while (performance.now() < end);
    const { cpuShare } = await one.read();
    expect(cpuShare).toBeGreaterThan(0);
    expect(cpuShare).toBeLessThanOrEqual(1);
    expect((await one.read()).cpuShare).toBeNull();
  });

  it('knows a Redis that answers, one that does not, and one that cannot be asked', async () => {
    const of = async (run: HealthCheck['run']) => meter({ redis: redis(run) }).read();
    expect(await of(async () => {})).toMatchObject({ redisUp: true, redisPingMs: expect.any(Number) });
    const away = async () => Promise.reject(new CheckFailure('unhealthy', 'away'));
    expect(await of(away)).toMatchObject({ redisUp: false, redisPingMs: null });
    expect(await of(() => new Promise(() => {}))).toMatchObject({ redisUp: false, redisPingMs: null });
    const unknown = async () => Promise.reject(new CheckFailure('degraded', 'no package'));
    expect(await of(unknown)).toMatchObject({ redisUp: null, redisPingMs: null });
  });

  it('says nothing of what it does not know', async () => {
    const blind = meter({ pulse: { last: undefined }, lag: { read: () => undefined } });
    expect(await blind.read()).toMatchObject({
      databasePingMs: null,
      loopLagP99Ms: null,
      httpSamples: null,
      httpP95Ms: null,
    });
  });
});
