import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { createTestDatabase, type TestDatabase } from '../../database/testing/test-database.js';
import { silentLogger } from '../../foundation/logger.js';
import type { Beat } from '../../health/pulse/database-pulse.js';
import { WebhookNotifier } from '../notifications/adapters/webhook.js';
import type { Outlet } from '../notifications/configured.js';
import { Silences } from '../notifications/silences.js';
import { listDeliveries } from '../notifications/store/deliveries.js';
import { Receiver } from '../notifications/testing/receiver.js';
import { resolvedAlerts } from '../store.js';
import { DatabaseOutage } from './database-outage.js';

let db: TestDatabase;
let receiver: Receiver;
let outage: DatabaseOutage;
beforeEach(async () => {
  db = await createTestDatabase();
  receiver = await Receiver.start();
  outage = watch();
});
afterEach(async () => {
  await outage.stop();
  await receiver.stop();
  await db.drop();
});

function watch(): DatabaseOutage {
  const notifier = new WebhookNotifier({ url: receiver.url(), secret: 'sixteen characters or more' });
  const outlet: Outlet = { channel: { name: 'webhook', kind: 'webhook', minSeverity: 'info' }, notifier };
  return new DatabaseOutage({
    db: db.database,
    outlets: [outlet],
    source: 'test',
    consoleUrl: 'https://jobs.example.com/admin/dashboard',
    who: { host: 'web-1', pid: 7 },
    logger: silentLogger,
    backoff: { initialMs: 10, factor: 1, maxMs: 10, jitter: 0 },
  });
}

let failures = 0;
function beat(answered: boolean): void {
  failures = answered ? 0 : failures + 1;
  const given: Beat = { at: new Date(), ms: answered ? 1 : null, failures, away: failures >= 3 };
  outage.beat(given);
}
function fail(times: number): void {
  for (let n = 0; n < times; n += 1) beat(false);
}
beforeEach(() => {
  failures = 0;
});

interface Told {
  readonly kind: string;
  readonly alert_id: string;
}
const told = (): Told[] => receiver.received.flatMap(({ body }) => JSON.parse(body).notices);
const kinds = () => told().map(({ kind }) => kind);
const until = async (...wanted: string[]) => expect.poll(kinds, { timeout: 20_000 }).toEqual(wanted);

describe('an outage of the database', () => {
  it('is told once, and its end too, to the same channel', async () => {
    fail(2);
    beat(true);
    fail(2);
    expect(outage.ongoing).toBe(false);
    fail(1);
    await until('firing');
    fail(5);
    beat(true);
    await until('firing', 'resolved');
    beat(true);
    await outage.settled();
    expect(kinds()).toEqual(['firing', 'resolved']);
    const [firing, resolved] = told();
    expect(firing).toMatchObject({
      rule: 'DatabaseDown',
      severity: 'critical',
      labels: { host: 'web-1', pid: '7' },
      link: expect.stringContaining('https://jobs.example.com/admin/dashboard'),
      summary: 'The server on web-1 (process 7) gets no answer from the database: 3 pings in a row failed.',
    });
    expect(resolved).toMatchObject({ rule: 'DatabaseDown', alert_id: firing?.alert_id });
  });

  it('is in the history and in the delivery log once there is somewhere to write', async () => {
    fail(3);
    await until('firing');
    beat(true);
    await outage.settled();
    const [past] = await resolvedAlerts(db.database, { limit: 10 });
    expect(past).toMatchObject({ id: told()[0]?.alert_id, rule: 'DatabaseDown', state: 'resolved' });
    const log = await listDeliveries(db.database, { limit: 10 });
    expect(log.map(({ outcome, sender }) => [outcome, sender])).toEqual([
      ['delivered', 'escape'],
      ['delivered', 'escape'],
    ]);
  });

  it('is told anew when there is another', async () => {
    for (let n = 0; n < 2; n += 1) {
      fail(3);
      await expect.poll(() => kinds().length, { timeout: 20_000 }).toBe(2 * n + 1);
      beat(true);
      await outage.settled();
    }
    expect(kinds()).toEqual(['firing', 'resolved', 'firing', 'resolved']);
    expect(new Set(told().map(({ alert_id }) => alert_id)).size).toBe(2);
  });

  it('is tried until it arrives, under one key', async () => {
    receiver.behaviour = { do: 'refuse', status: 503 };
    fail(3);
    await expect.poll(() => receiver.received.length, { timeout: 20_000 }).toBeGreaterThan(2);
    receiver.behaviour = { do: 'take' };
    // One more may have been on its way to be refused.
    const before = receiver.received.length + 1;
    await expect.poll(() => receiver.received.length, { timeout: 20_000 }).toBeGreaterThanOrEqual(before);
    expect(new Set(receiver.received.map(({ headers }) => headers['idempotency-key'])).size).toBe(1);
    beat(true);
    await outage.settled();
    expect(kinds().at(-1)).toBe('resolved');
  });

  it('that nobody could be told of in time is told as past', async () => {
    receiver.behaviour = { do: 'refuse', status: 503 };
    fail(3);
    await expect.poll(() => receiver.received.length, { timeout: 20_000 }).toBeGreaterThan(0);
    beat(true);
    await expect.poll(() => kinds().at(-1), { timeout: 20_000 }).toBe('brief');
    receiver.behaviour = { do: 'take' };
    await outage.settled();
    expect(kinds()).not.toContain('resolved');
  });

  it('whose alarm was refused for good has no end to be told', async () => {
    receiver.behaviour = { do: 'refuse', status: 410 };
    fail(3);
    await until('firing');
    beat(true);
    await outage.settled();
    expect(kinds()).toEqual(['firing']);
  });

  it('within a maintenance window that was known is told to nobody', async () => {
    await new Silences(db.database).create({
      kind: 'maintenance',
      endsAt: new Date(Date.now() + 3_600_000),
      reason: 'a new disk',
      by: 'ada',
    });
    beat(true);
    await outage.settled();
    fail(3);
    expect(outage.ongoing).toBe(true);
    beat(true);
    await outage.settled();
    expect(kinds()).toEqual([]);
    expect(await resolvedAlerts(db.database, { limit: 10 })).toHaveLength(1);
  });

  it('does not keep the process from stopping', async () => {
    receiver.behaviour = { do: 'hang' };
    fail(3);
    await expect.poll(() => receiver.received.length, { timeout: 20_000 }).toBe(1);
    const begun = performance.now();
    await outage.stop();
    expect(performance.now() - begun).toBeLessThan(5_000);
    receiver.behaviour = { do: 'take' };
    beat(true);
    fail(3);
    await outage.settled();
    expect(receiver.received).toHaveLength(1);
    expect(await resolvedAlerts(db.database, { limit: 10 })).toEqual([]);
  });
});
