import { afterEach, beforeEach, expect, it } from 'vitest';
import type { AlertEdge } from '../src/alerts/notifications/edge.js';
import { databaseNow } from '../src/alerts/notifications/store/channels.js';
import { recordEdges } from '../src/alerts/notifications/store/edges.js';
import { Receiver } from '../src/alerts/notifications/testing/receiver.js';
import { Application } from '../src/app/application.js';
import { readConfig } from '../src/app/config.js';
import { createTestDatabase, type TestDatabase } from '../src/database/testing/test-database.js';
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
