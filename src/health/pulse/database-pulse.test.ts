import { afterEach, beforeEach, expect, it } from 'vitest';
import { Database } from '../../database/database.js';
import { createTestDatabase, type TestDatabase } from '../../database/testing/test-database.js';
import { type Line, openLine } from '../../engine/testing/line.js';
import { silentLogger as logger } from '../../foundation/logger.js';
import { DatabasePulse } from './database-pulse.js';

let db: TestDatabase;
let line: Line;
let database: Database;
let pulse: DatabasePulse;
beforeEach(async () => {
  db = await createTestDatabase({ migrate: false });
  line = await openLine(db.url);
  database = new Database({ ...db.connection, url: line.url, poolSize: 2, logger });
  pulse = new DatabasePulse({ database, logger, timeoutMs: 500 });
});
afterEach(async () => {
  line.restore();
  await pulse.stop();
  await database.close();
  await line.close();
  await db.drop();
});

it('counts what is not answered until something is, refused or without a word', async () => {
  expect(await pulse.runOnce()).toMatchObject({ ms: expect.any(Number), failures: 0, away: false });
  line.refuse();
  expect(await pulse.runOnce()).toMatchObject({ ms: null, failures: 1, away: false });
  line.silence();
  expect(await pulse.runOnce()).toMatchObject({ ms: null, failures: 2, away: false });
  expect(await pulse.runOnce()).toMatchObject({ ms: null, failures: 3, away: true });
  line.restore();
  await expect.poll(async () => (await pulse.runOnce()).failures, { timeout: 20_000 }).toBe(0);
  expect(pulse.last).toMatchObject({ away: false });
});

it('is heard while the pool is full', async () => {
  let open = () => {};
  const held = new Promise<void>((resolve) => {
    open = resolve;
  });
  const holders = [1, 2].map(() => database.transaction(() => held));
  await expect.poll(() => database.connections.total, { timeout: 20_000 }).toBe(2);
  expect(await pulse.runOnce()).toMatchObject({ failures: 0 });
  open();
  await Promise.all(holders);
});
