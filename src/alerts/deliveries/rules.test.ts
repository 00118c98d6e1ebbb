import { afterEach, beforeEach, expect, it } from 'vitest';
import { silentLogger } from '../../foundation/logger.js';
import type { Notifications } from '../notifications/notifications.js';
import { readHealth } from '../notifications/store/health.js';
import { delivered, failing, NotificationBench, rejected } from '../notifications/testing/bench.js';
import { deliveryAlerts } from './source.js';

let bench: NotificationBench;
beforeEach(async () => {
  bench = await NotificationBench.start();
});
afterEach(() => bench.stop());

async function look() {
  const health: Pick<Notifications, 'health'>['health'] = async () =>
    (await readHealth(bench.db.database, ['one', 'two'])).map((one) => ({
      ...bench.channel(one.channel),
      ...one,
    }));
  const [sighting] = await deliveryAlerts({ health }).look(silentLogger);
  return sighting?.observations;
}

it.each([
  ['does not answer', failing()],
  ['refuses for good', rejected],
])('NotificationsFailing holds for a channel that %s, until something arrives', async (_how, receipt) => {
  expect(await look()).toEqual([]);
  bench.fake.answer = () => receipt;
  await bench.fires('One');
  await bench.drain();
  expect(await look()).toMatchObject([
    {
      labels: { channel: 'one' },
      value: 1,
      summary: expect.stringContaining('Notifications do not reach the channel one: 1 failed in a row'),
    },
  ]);
  bench.fake.answer = () => delivered;
  await bench.fires('Two');
  bench.pass(60_000);
  await bench.drain();
  expect(await look()).toEqual([]);
});
