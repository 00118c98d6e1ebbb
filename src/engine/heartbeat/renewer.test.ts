import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { createTestDatabase, type TestDatabase } from '../../database/testing/test-database.js';
import { newId } from '../../foundation/ids.js';
import { registerWorker } from '../sql/workers.js';
import { gate } from '../testing/harness.js';
import type { Report } from './messages.js';
import { monotonicMs, RenewalTime } from './renewal-time.js';
import { Renewer } from './renewer.js';
import { threadLogger } from './thread-logger.js';

const leaseMs = 2_000;
const live = new AbortController().signal;

let db: TestDatabase;
let renewer: Renewer;
let reports: Report[];
beforeEach(async () => {
  db = await createTestDatabase();
  reports = [];
  renewer = newRenewer(db.url);
});
afterEach(async () => {
  await renewer.stop();
  await db.drop();
});

function newRenewer(url: string): Renewer {
  return new Renewer({
    connection: { ...db.connection, url, connectTimeoutMs: leaseMs / 4, statementTimeoutMs: leaseMs / 4 },
    leaseMs,
    logger: threadLogger((report) => reports.push(report)).child({ part: 'renewer' }),
    onLost: (workerId) => reports.push({ kind: 'lost', workerId }),
  });
}

async function register(): Promise<string> {
  const id = newId();
  const registration = { id, hostname: 'here', pid: 1, queues: null, tasks: [], concurrency: 1, leaseMs };
  await registerWorker(db.database, registration);
  return id;
}

describe('a renewer', () => {
  it('notes when it asked, not when it was answered', async () => {
    const time = new RenewalTime();
    renewer.hold({ workerId: await register(), renewalTime: time.buffer });
    const before = monotonicMs();
    await renewer.runOnce(live);
    expect(time.ms).toBeGreaterThanOrEqual(before - 0.001);
    expect(time.ms).toBeLessThan(monotonicMs());
    expect(reports).toEqual([]);
  });

  it('says a loss once, and asks no more', async () => {
    const time = new RenewalTime();
    const workerId = newId();
    renewer.hold({ workerId, renewalTime: time.buffer });
    await renewer.runOnce(live);
    await renewer.runOnce(live);
    expect(reports).toEqual([{ kind: 'lost', workerId }]);
    expect(time.ms).toBe(0);
  });

  it('never renews a lease that has expired, however little', async () => {
    const workerId = await register();
    await db.database.query('update signalbox.worker set lease_expires_at = now() where id = $1', [workerId]);
    renewer.hold({ workerId, renewalTime: new RenewalTime().buffer });
    await renewer.runOnce(live);
    expect(reports).toEqual([{ kind: 'lost', workerId }]);
  });

  it('does not wait for a row that somebody has locked', async () => {
    const workerId = await register();
    renewer.hold({ workerId, renewalTime: new RenewalTime().buffer });
    await db.database.transaction(async (tx) => {
      await tx.query('select 1 from signalbox.worker where id = $1 for update', [workerId]);
      await expect(renewer.runOnce(live)).rejects.toThrow(/renewing the lease did not finish|timeout/);
    });
    await renewer.runOnce(live);
    expect(reports.filter(({ kind }) => kind === 'lost')).toEqual([]);
  });

  it('goes on by itself until it is stopped, and renews nothing that was released', async () => {
    const time = new RenewalTime();
    const workerId = await register();
    renewer.hold({ workerId, renewalTime: time.buffer });
    await renewer.start();
    for (let renewals = 0, seen = 0; renewals < 3; renewals += 1, seen = time.ms) {
      const deadline = monotonicMs() + 10_000;
      while (time.ms === seen && monotonicMs() < deadline) await db.database.query('select pg_sleep(0.01)');
      expect(time.ms).toBeGreaterThan(seen);
    }
    renewer.release();
    await db.database.query('delete from signalbox.worker where id = $1', [workerId]);
    await renewer.runOnce(live);
    await renewer.stop();
    await renewer.stop();
    expect(reports).toEqual([]);
  });

  it('says why it cannot renew, again and again', async () => {
    const nowhere = new URL(db.url);
    nowhere.port = '1';
    const lame = newRenewer(nowhere.toString());
    const warned = gate();
    reports.push = (...more: Report[]) => {
      if (more.some((report) => report.kind === 'log' && report.level === 'warn')) warned.open();
      return Array.prototype.push.apply(reports, more);
    };
    lame.hold({ workerId: newId(), renewalTime: new RenewalTime().buffer });
    await lame.start();
    await warned.passed;
    await lame.stop();
    expect(reports).toContainEqual(
      expect.objectContaining({
        level: 'warn',
        fields: expect.objectContaining({ part: 'renewer', loop: 'heartbeat', failures: 1 }),
      }),
    );
  });
});

describe('a renewal time', () => {
  it('is shared, and never goes back', () => {
    const mine = new RenewalTime();
    const theirs = new RenewalTime(mine.buffer);
    mine.advance(2_000.5);
    theirs.advance(1_000);
    expect([mine.ms, theirs.ms]).toEqual([2_000.5, 2_000.5]);
    theirs.advance(3_000);
    expect(mine.ms).toBe(3_000);
  });
});
