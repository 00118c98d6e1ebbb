import { describe, expect, it } from 'vitest';
import { databaseErrors } from '../database/errors.js';
import { gate } from '../engine/testing/harness.js';
import { type Logger, silentLogger } from '../foundation/logger.js';
import { CheckFailure, type HealthCheck } from './check.js';
import { HealthService } from './service.js';

type Given = Omit<HealthCheck, 'essential'> & { readonly essential?: boolean };

const service = (checks: Given[], timeoutMs = 5_000, logger: Logger = silentLogger) =>
  new HealthService({ checks: checks.map((one) => ({ essential: true, ...one })), timeoutMs, logger });

describe('HealthService', () => {
  it('is healthy when every check is', async () => {
    const report = await service([{ name: 'database', run: async () => {} }]).report();
    expect(report.status).toBe('healthy');
    expect(report.checks).toEqual([
      {
        name: 'database',
        essential: true,
        status: 'healthy',
        latencyMs: expect.any(Number),
        measuredAt: expect.any(Date),
        error: null,
      },
    ]);
  });

  it('runs the checks at the same time', async () => {
    let arrived = 0;
    let release = () => {};
    const all = new Promise<void>((resolve) => {
      release = resolve;
    });
    const meet = async () => {
      arrived += 1;
      if (arrived === 2) release();
      await all;
    };
    const report = await service([
      { name: 'a', run: meet },
      { name: 'b', run: meet },
    ]).report();
    expect(report.status).toBe('healthy');
  });

  it('names what fails without repeating what others said', async () => {
    const report = await service([
      { name: 'good', run: async () => {} },
      {
        name: 'database',
        run: async () => {
          throw databaseErrors.database_unavailable('connect ECONNREFUSED 10.0.0.5');
        },
      },
      {
        name: 'storage',
        run: () => {
          throw new Error('EACCES /srv/secret');
        },
      },
    ]).report();
    expect(report.status).toBe('unhealthy');
    expect(report.checks.map(({ name, error }) => [name, error])).toEqual([
      ['good', null],
      ['database', 'The database does not answer.'],
      ['storage', 'The check failed; the log says why.'],
    ]);
  });

  it('gives up on a check that ignores its signal, and tells the signal why', async () => {
    let reason: unknown;
    const report = await service(
      [
        {
          name: 'stuck',
          run: (signal) =>
            new Promise(() =>
              signal.addEventListener('abort', () => {
                reason = signal.reason;
              }),
            ),
        },
      ],
      10,
    ).report();
    expect(report.checks[0]).toMatchObject({
      status: 'unhealthy',
      latencyMs: null,
      error: 'no answer within 10 ms',
    });
    expect(reason).toMatchObject({ kind: 'timeout' });
  });

  it('shares one question between callers at the same moment, and asks again afterwards', async () => {
    let runs = 0;
    const health = service([
      {
        name: 'a',
        run: async () => {
          runs += 1;
        },
      },
    ]);
    const [first, second] = await Promise.all([health.report(), health.report()]);
    expect(second?.checks[0]?.measuredAt).toBe(first?.checks[0]?.measuredAt);
    expect(runs).toBe(1);
    await health.report();
    expect(runs).toBe(2);
  });

  it('does not make an answer old because another check is slow', async () => {
    let well = true;
    const slow = gate();
    const health = service([
      { name: 'slow', run: () => slow.passed },
      {
        name: 'quick',
        run: async () => {
          if (!well) throw new Error('away');
        },
      },
    ]);
    const first = health.report();
    await new Promise((resolve) => setImmediate(resolve));
    well = false;
    const second = health.report();
    slow.open();
    expect((await first).checks[1]?.status).toBe('healthy');
    expect((await second).checks[1]?.status).toBe('unhealthy');
  });

  it('is degraded when only what is not essential fails, and says so in the words of the check', async () => {
    const degraded = new CheckFailure('degraded', 'Half of it is there.', { cause: new Error('10.0.0.5') });
    const throwing = (error: Error) => async () => {
      throw error;
    };
    const of = async (...checks: Given[]) => service(checks).report();
    const other = { name: 'other', essential: false, run: throwing(new Error('away')) };
    expect(await of(other)).toMatchObject({ status: 'degraded', checks: [{ status: 'unhealthy' }] });
    const half = await of({ name: 'half', run: throwing(degraded) });
    expect(half).toMatchObject({
      status: 'degraded',
      checks: [{ status: 'degraded', latencyMs: null, error: 'Half of it is there.' }],
    });
    const both = await of(other, { name: 'database', run: throwing(new Error('away')) });
    expect(both.status).toBe('unhealthy');
  });

  it('asks a check that hangs only a few times, and again once one of its answers came', async () => {
    const held: (() => void)[] = [];
    const health = service([{ name: 'stuck', run: () => new Promise((resolve) => held.push(resolve)) }], 5);
    const errorOf = async () => (await health.report()).checks[0]?.error;
    expect([await errorOf(), await errorOf(), await errorOf()]).toEqual([
      'no answer within 5 ms',
      'no answer within 5 ms',
      'no answer to what was asked before',
    ]);
    expect(held).toHaveLength(2);
    held[0]?.();
    await new Promise((resolve) => setImmediate(resolve));
    await health.report();
    expect(held).toHaveLength(3);
  });

  it('logs an outage once, with its cause, and its end', async () => {
    const lines: [string, object][] = [];
    const logger: Logger = {
      ...silentLogger,
      info: (fields, message) => lines.push([message, fields]),
      warn: (fields, message) => lines.push([message, fields]),
    };
    let error: Error | undefined = new CheckFailure('unhealthy', 'Away.', { cause: new Error('10.0.0.5') });
    const run = async () => {
      if (error) throw error;
    };
    const health = service([{ name: 'a', run }], 5_000, logger);
    for (let times = 0; times < 3; times += 1) await health.report();
    error = undefined;
    for (let times = 0; times < 3; times += 1) await health.report();
    expect(lines).toEqual([
      ['a health check failed', { check: 'a', kind: 'unhealthy: Error', error: 'Away.', cause: '10.0.0.5' }],
      ['a health check is well again', { check: 'a' }],
    ]);
  });

  it('logs each way to fail once an outage, whatever the texts, and again in the next', async () => {
    const kinds: unknown[] = [];
    const logger: Logger = {
      ...silentLogger,
      warn: (fields) => kinds.push((fields as { kind: string }).kind),
    };
    let error: Error | undefined;
    const run = async () => {
      if (error) throw error;
    };
    const health = service([{ name: 'a', run }], 5_000, logger);
    for (let outage = 0; outage < 2; outage += 1) {
      for (let times = 0; times < 3; times += 1) {
        error = databaseErrors.database_unavailable(`connect ECONNREFUSED 127.0.0.1:${5432 + times}`);
        await health.report();
        error = new CheckFailure('degraded', `${times} wait.`);
        await health.report();
      }
      error = undefined;
      await health.report();
    }
    expect(kinds).toEqual(['database_unavailable', 'degraded', 'database_unavailable', 'degraded']);
  });

  it('refuses two checks of one name', () => {
    const check = { name: 'a', run: async () => {} };
    expect(() => service([check, check])).toThrow('Two health checks are named a.');
  });
});
