import { hostname } from 'node:os';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { Application } from '../src/app/application.js';
import { readConfig } from '../src/app/config.js';
import { createTestDatabase, type TestDatabase } from '../src/database/testing/test-database.js';
import { silentLogger as logger } from '../src/foundation/logger.js';
import { runningProcesses } from '../src/health/vitals/store.js';

let db: TestDatabase;
beforeEach(async () => {
  db = await createTestDatabase();
});
afterEach(() => db.drop());

const running = () => runningProcesses(db.database, 3_600_000);

it.each([
  ['a server', { server: true, worker: false }, ['server']],
  ['a worker', { server: false, worker: true }, ['worker']],
  ['both in one', { server: true, worker: true }, ['server', 'worker']],
])('%s says that it is there and how it fares, and that it stopped in order', async (_what, roles, told) => {
  const config = readConfig({ DATABASE_URL: db.url, PORT: '0' });
  const application = new Application({ config, logger, roles });
  await application.start();
  try {
    await expect.poll(running, { timeout: 20_000 }).toHaveLength(1);
    const [one] = await running();
    expect(one).toMatchObject({ roles: told, hostname: hostname(), pid: process.pid, redisUp: null });
    expect(one?.rssBytes).toBeGreaterThan(1_000_000);
  } finally {
    await application.stop();
  }
  expect(await running()).toEqual([]);
  const { rows } = await db.database.query(
    'select ended_at is not null as ended, stopping_at < ended_at as announced from signalbox.process_vitals',
  );
  expect(rows).toEqual([{ ended: true, announced: true }]);
});

it('a server says how fast it answers', async () => {
  const config = readConfig({ DATABASE_URL: db.url, PORT: '0' });
  const application = new Application({ config, logger, roles: { server: true, worker: false } });
  await application.start();
  try {
    await fetch(`${application.url}/api/v1/jobs`);
    await expect.poll(async () => (await running())[0]?.httpSamples, { timeout: 20_000 }).toBe(1);
    expect((await running())[0]?.httpP95Ms).toBeGreaterThan(0);
  } finally {
    await application.stop();
  }
});
