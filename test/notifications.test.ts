import { afterEach, beforeEach, expect, it } from 'vitest';
import type { AlertEdge } from '../src/alerts/notifications/edge.js';
import { databaseNow } from '../src/alerts/notifications/store/channels.js';
import { recordEdges } from '../src/alerts/notifications/store/edges.js';
import { Receiver } from '../src/alerts/notifications/testing/receiver.js';
import { Application } from '../src/app/application.js';
import { readConfig } from '../src/app/config.js';
import { createTestDatabase, type TestDatabase } from '../src/database/testing/test-database.js';
import { Engine } from '../src/engine/engine.js';
import { newId } from '../src/foundation/ids.js';
import { silentLogger } from '../src/foundation/logger.js';
import { systemClock } from '../src/foundation/time.js';

let receiver: Receiver;
let db: TestDatabase;
beforeEach(async () => {
  receiver = await Receiver.start();
  db = await createTestDatabase();
});
afterEach(async () => {
  await receiver.stop();
  await db.drop();
});

it.each([
  ['a server alone', { server: true, worker: false }, 'escape'],
  ['a worker', { server: false, worker: true }, 'job'],
])('%s delivers what was recorded', async (_who, roles, sender) => {
  const config = readConfig({
    DATABASE_URL: db.url,
    PORT: '0',
    ALERT_WEBHOOK_URL: receiver.url(),
    ALERT_WEBHOOK_SECRET: 'sixteen characters or more',
  });
  const application = new Application({ config, logger: silentLogger, roles });
  await application.start();
  try {
    const at = await databaseNow(db.database);
    const alertId = newId();
    const edge: AlertEdge = {
      alertId,
      rule: 'NoLiveWorkers',
      severity: 'critical',
      labels: { queue: 'default' },
      state: 'firing',
      startedAt: at,
      at,
      summary: 'nobody works',
      remedy: 'signalbox start --worker',
      link: null,
    };
    const channel = { name: 'webhook', kind: 'webhook', minSeverity: 'info' } as const;
    await db.database.transaction((tx) => recordEdges(tx, [edge], [channel]));
    const deadline = performance.now() + 30_000;
    while (receiver.received.length === 0 && performance.now() < deadline) await systemClock.sleep(50);
    expect(JSON.parse(receiver.received[0]?.body ?? '{}')).toMatchObject({
      notices: [{ alert_id: alertId }],
    });
    await application.stop();
    const { rows } = await db.database.query('select sender, outcome from signalbox.notification_delivery');
    expect(rows).toEqual([{ sender, outcome: 'delivered' }]);
  } finally {
    await application.stop();
  }
});

it('leads from what fires, and from a test message, to the alert in the console', async () => {
  const env = {
    DATABASE_URL: db.url,
    PORT: '0',
    ALERT_WEBHOOK_URL: receiver.url(),
    ALERT_WEBHOOK_SECRET: 'sixteen characters or more',
    SIGNALBOX_PUBLIC_URL: 'https://jobs.example.com/box/',
  };
  const console = 'https://jobs.example.com/box/admin/dashboard';
  const roles = { server: true, worker: false };
  const application = new Application({ config: readConfig(env), logger: silentLogger, roles });
  const engine = new Engine({ database: db.database, tasks: [], logger: silentLogger });
  await engine.gates.pause('queue', 'images');
  await db.database.query(`update signalbox.gate set paused_at = now() - interval '2 hours'`);
  await application.start();
  try {
    const link = async (rule: string): Promise<{ alert_id: string; link: string }> => {
      const deadline = performance.now() + 60_000;
      while (performance.now() < deadline) {
        const notices = receiver.received.flatMap(({ body }) => JSON.parse(body).notices);
        const found = notices.find((notice) => notice.rule === rule);
        if (found !== undefined) return found;
        await systemClock.sleep(50);
      }
      throw new Error(`nobody was told of ${rule}`);
    };
    const told = await link('PausedLong');
    expect(told.link).toBe(`${console}#alert-${told.alert_id}`);
    const url = `${application.url}/api/v1/notifications/channels/webhook/test`;
    expect(await (await fetch(url, { method: 'POST' })).json()).toMatchObject({ outcome: 'delivered' });
    expect((await link('Test')).link).toBe(console);
    const log = await fetch(`${application.url}/api/v1/alerts/${told.alert_id}/deliveries`);
    expect(await log.json()).toMatchObject({ items: [{ channel: 'webhook', outcome: 'delivered' }] });
  } finally {
    await application.stop();
  }
});

it.each([
  'https://ada:password@jobs.example.com',
  'https://jobs.example.com/?key=1',
  'https://jobs.example.com/#there',
  'jobs.example.com',
])('%s is no address to send to others', (address) => {
  expect(() => readConfig({ SIGNALBOX_PUBLIC_URL: address })).toThrow(
    expect.objectContaining({
      code: 'config_invalid',
      message: expect.stringContaining('SIGNALBOX_PUBLIC_URL'),
    }),
  );
});
