import { afterEach, beforeEach, expect, it } from 'vitest';
import { Receiver } from '../src/alerts/notifications/testing/receiver.js';
import { Application } from '../src/app/application.js';
import { readConfig } from '../src/app/config.js';
import { type EmbeddedPostgres, startEmbeddedPostgres } from '../src/database/embedded/embedded.js';
import { type TemporaryHome, temporaryHome } from '../src/database/testing/temporary-home.js';
import { silentLogger as logger } from '../src/foundation/logger.js';

let home: TemporaryHome;
let postgres: EmbeddedPostgres;
let receiver: Receiver;
let application: Application;
beforeEach(async () => {
  home = await temporaryHome();
  postgres = await startEmbeddedPostgres({ home: home.path, logger });
  receiver = await Receiver.start();
  const config = readConfig({
    DATABASE_URL: postgres.url,
    PORT: '0',
    ALERT_WEBHOOK_URL: receiver.url(),
    ALERT_WEBHOOK_SECRET: 'sixteen characters or more',
  });
  application = new Application({ config, logger, roles: { server: true, worker: false } });
  await application.start();
});
afterEach(async () => {
  await application.stop();
  await receiver.stop();
  await postgres.stop();
  await home.remove();
});

const told = (): string[] =>
  receiver.received.flatMap(({ body }) =>
    JSON.parse(body).notices.map(({ rule, kind }: { rule: string; kind: string }) => `${rule} ${kind}`),
  );

const heard = (notice: string) => receiver.until(() => told().includes(notice), 90_000);
const codeOf = async (path: string) => (await fetch(`${application.url}${path}`)).status;

it('a server tells that the database is away, once, and that it is back, and nothing else', async () => {
  expect(await codeOf('/admin/health')).toBe(200);
  const { url } = postgres;
  await postgres.stop();
  await heard('DatabaseDown firing');
  expect(await codeOf('/admin/health')).toBe(503);
  postgres = await startEmbeddedPostgres({ home: home.path, logger });
  expect(postgres.url).toBe(url);
  await heard('DatabaseDown resolved');
  expect(told()).toEqual(['DatabaseDown firing', 'DatabaseDown resolved']);
  await expect.poll(() => codeOf('/admin/health'), { timeout: 30_000 }).toBe(200);
  const history = async () =>
    ((await (await fetch(`${application.url}/api/v1/alerts/history`)).json()) as { items: object[] }).items;
  await expect.poll(history, { timeout: 30_000 }).toMatchObject([{ rule: 'DatabaseDown' }]);
}, 240_000);
