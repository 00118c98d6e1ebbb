import { describe, expect, it } from 'vitest';
import { databaseErrors } from '../database/errors.js';
import { silentLogger } from '../foundation/logger.js';
import type { HealthCheck } from './check.js';
import { HealthService } from './service.js';

const service = (checks: HealthCheck[], timeoutMs = 1_000) =>
  new HealthService({ checks, timeoutMs, logger: silentLogger });

describe('HealthService', () => {
  it('is healthy when every check is', async () => {
    const report = await service([{ name: 'database', run: async () => {} }]).report();
    expect(report.healthy).toBe(true);
    expect(report.checks).toEqual([
      { name: 'database', healthy: true, latencyMs: expect.any(Number), error: null },
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
    expect(report.healthy).toBe(true);
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
    expect(report.healthy).toBe(false);
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
    expect(report.checks[0]).toMatchObject({ healthy: false, error: 'no answer within 10 ms' });
    expect(reason).toMatchObject({ kind: 'timeout' });
  });

  it('shares one round between callers at the same moment, and asks again afterwards', async () => {
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
    expect(second).toBe(first);
    expect(runs).toBe(1);
    await health.report();
    expect(runs).toBe(2);
  });

  it('refuses two checks of one name', () => {
    const check = { name: 'a', run: async () => {} };
    expect(() => service([check, check])).toThrow('Two health checks are named a.');
  });
});
