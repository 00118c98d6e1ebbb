import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Queryable } from '../../database/queryable.js';
import { createTestDatabase, type TestDatabase } from '../../database/testing/test-database.js';
import { StuckWork } from '../findings/findings.js';
import { claimJobs } from '../sql/claim.js';
import { maxAhead, readWaitFacts } from '../sql/explain.js';
import { ensureLanes } from '../sql/lanes.js';
import { readsOf } from '../testing/reads.js';
import { hire } from './testing/remedies.js';

/** What explain and the findings read, counted by the server, of large tables that were never analyzed. */

const waiting = 60_000;
const limited = 20_000;
const finished = 60_000;
const running = 400;

let db: TestDatabase;

const idSql = (base: number) => `('01900000-0000-7000-8000-' || lpad(to_hex(${base} + n), 12, '0'))::uuid`;
const id = (base: number, n: number) =>
  `01900000-0000-7000-8000-${(base + n).toString(16).padStart(12, '0')}`;

async function fill(): Promise<void> {
  // Otherwise an analyze in the background would decide whether the test means anything.
  for (const table of ['job', 'finished', 'claim', 'slot', 'tally']) {
    await db.database.query(`alter table signalbox.${table} set (autovacuum_enabled = off)`);
  }
  const [lane] = await ensureLanes(db.database, [{ queue: 'q', task: 't' }]);
  const common = `id, lane_id, priority, place, max_attempts, timeout_ms, input`;
  const insert = (sql: string) => db.database.query(sql, [lane?.id]);
  await insert(`insert into signalbox.job (${common}) select ${idSql(0)}, $1, n % 3, n, 3, 1000, '{}'
    from generate_series(1, ${waiting}) as n`);
  await insert(`insert into signalbox.job (${common}, hold, limit_key, limit_max)
    select ${idSql(1_000_000)}, $1, 0, n, 3, 1000, '{}', 'limited', 'k', 1 from generate_series(1, ${limited}) as n`);
  await insert(`insert into signalbox.job (${common}, hold, run_at)
    select ${idSql(2_000_000)}, $1, 0, n, 3, 1000, '{}', 'scheduled', now() - interval '1 minute' + n * interval '1 second'
    from generate_series(1, ${limited}) as n`);
  await insert(`insert into signalbox.finished (${common}, runs, status, started_at)
    select ${idSql(3_000_000)}, $1, 0, n, 3, 1000, '{}', 1, 'succeeded', now() - interval '1 second'
    from generate_series(1, ${finished}) as n`);
  await insert(
    `insert into signalbox.tally (lane_id, live, scheduled) values ($1, ${waiting + 2 * limited}, ${limited})`,
  );
}

async function work(): Promise<void> {
  const workerId = await hire(db.database, ['t']);
  const wish = { workerId, queues: null, tasks: ['t'], limit: running, suspects: true, floor: null };
  expect((await claimJobs(db.database, wish)).taken).toBe(running);
}

beforeAll(async () => {
  db = await createTestDatabase({ poolSize: 2 });
  await fill();
  await work();
});
afterAll(() => db.drop());

async function expectReads(work: (tx: Queryable) => Promise<unknown>, bounds: Record<string, number>) {
  const reads = await readsOf(db.database, work);
  for (const [table, bound] of Object.entries(bounds)) {
    const { sequential, indexed } = reads.table(table);
    expect(sequential, `rows of ${table} read one after the other`).toBe(0);
    expect(indexed, `rows of ${table} read by index`).toBeLessThanOrEqual(bound);
  }
}

/** Each worker's load is counted, and what runs stands in front of what waits. */
const load = 4 * running + 100;

describe('however many jobs wait', () => {
  it.each([
    ['the last of them', id(0, waiting)],
    ['one that waits for its key', id(1_000_000, limited)],
    ['one that waits for its time', id(2_000_000, limited)],
    ['one that runs', id(0, 3)],
  ])('explain reads a bounded part of them: %s', async (_name, jobId) => {
    await expectReads((tx) => readWaitFacts(tx, jobId), {
      // For its queue, for what the workers serve, and for its key.
      job: 3 * (maxAhead + running) + load,
      // For its queue and for what the workers serve.
      finished: 2 * 500,
    });
  });

  it('counts up to a thousand of those in front', async () => {
    const facts = await readWaitFacts(db.database, id(0, waiting));
    expect(facts?.ahead).toMatchObject({ queue: maxAhead, served: maxAhead });
    expect((await readWaitFacts(db.database, id(1_000_000, 10)))?.ahead.key).toBe(9);
  });

  it('the findings read the heads of the lanes', async () => {
    const stuck = new StuckWork(db.database);
    await expectReads(
      async (tx) => {
        const found = await new StuckWork(tx).find();
        expect(found.map(({ code }) => code)).toContain('not_promoted');
      },
      // Three priorities, each behind what runs of it; two looks at all that runs; 60 that are late.
      { job: load + 2 * running + 100, finished: 0 },
    );
    await db.database.query(`update signalbox.worker set status = 'draining'`);
    const [first] = await stuck.find();
    expect(first).toMatchObject({ code: 'no_live_worker', waiting: waiting - running + limited });
  });
});
