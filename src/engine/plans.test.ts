import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Queryable } from '../database/queryable.js';
import { createTestDatabase, type TestDatabase } from '../database/testing/test-database.js';
import { newId } from '../foundation/ids.js';
import { readQueueAges } from './sql/census.js';
import { type Claim, claimJobs, msUntilNextDue, promoteDue, readClaim } from './sql/claim.js';
import { requestCancel } from './sql/control.js';
import { ensureLanes } from './sql/lanes.js';
import { findJobs, listJobs } from './sql/read.js';
import { endOverdue, enforceCancels, healLimits, rescueJobs } from './sql/rescue.js';
import { finish, giveBack } from './sql/settle.js';
import { countLanes, listClaimed, listComing, sampleEnded } from './sql/snapshot.js';
import { registerWorker } from './sql/workers.js';
import { type Reads, readsOf } from './testing/reads.js';

/**
 * What the hot statements read, counted by the server, on tables that were never analyzed: the planner's guesses
 * about tables that are filled and emptied all day are worth nothing, so no statement may rest on them.
 */

const waiting = 50_000;
const scheduled = 20_000;
const finished = 100_000;

let db: TestDatabase;
let workerId: string;
let laneId: number;

async function open(): Promise<void> {
  db = await createTestDatabase({ poolSize: 2 });
  // Otherwise an analyze in the background would decide whether the test means anything.
  for (const table of ['job', 'finished', 'claim', 'slot', 'tally', 'unique_key', 'payload']) {
    await db.database.query(`alter table signalbox.${table} set (autovacuum_enabled = off)`);
  }
  workerId = newId();
  const serves = { queues: null, tasks: ['t'], concurrency: 10, leaseMs: 3_600_000 };
  await registerWorker(db.database, { id: workerId, hostname: 'here', pid: 1, ...serves });
  const [lane] = await ensureLanes(db.database, [{ queue: 'q', task: 't' }]);
  laneId = lane?.id ?? 0;
}

/** Time-ordered ids, as the engine makes them. */
const idSql = (base: number) => `('01900000-0000-7000-8000-' || lpad(to_hex(${base} + n), 12, '0'))::uuid`;

async function fill(): Promise<void> {
  const common = `id, lane_id, priority, place, max_attempts, timeout_ms, input`;
  await db.database.query(
    `insert into signalbox.job (${common}) select ${idSql(0)}, $1, 0, n, 3, 1000, '{}'
     from generate_series(1, ${waiting}) as n`,
    [laneId],
  );
  // A quarter of an hour of them is due.
  await db.database.query(
    `insert into signalbox.job (${common}, hold, run_at)
     select ${idSql(1_000_000)}, $1, 0, n, 3, 1000, '{}', case when n % 2 = 0 then 'scheduled' else 'retrying' end,
            now() + (n - 1000) * interval '1 second'
     from generate_series(1, ${scheduled}) as n`,
    [laneId],
  );
  await db.database.query(
    `insert into signalbox.finished (${common}, runs, status, worker_id, owner)
     select ${idSql(2_000_000)}, $1, 0, n, 3, 1000, '{}', 1, case when n % 1000 = 0 then 'failed' else 'succeeded' end,
            $2, case when n % 500 = 0 then 'somebody' end
     from generate_series(1, ${finished}) as n`,
    [laneId, workerId],
  );
}

/** Rows that were and are no more: what a busy day leaves until the next vacuum. */
async function wear(): Promise<void> {
  await db.database.query(
    `insert into signalbox.job (id, lane_id, priority, place, max_attempts, timeout_ms, input)
     select ${idSql(3_000_000)}, $1, 0, -n, 3, 1000, '{}' from generate_series(1, 30000) as n`,
    [laneId],
  );
  await db.database.query(`delete from signalbox.job where place < 0`);
  await db.database.query(
    `insert into signalbox.claim (worker_id, job_ids, runs)
     select $1, array[${idSql(3_000_000)}], array[0] from generate_series(1, 3000) as n`,
    [workerId],
  );
  await db.database.query(`delete from signalbox.claim`);
  await db.database.query(
    `insert into signalbox.slot select 'key:x', ${idSql(3_000_000)} from generate_series(1, 3000) as n`,
  );
  await db.database.query(`delete from signalbox.slot`);
}

async function take(limit: number, tx: Queryable = db.database): Promise<Claim & { ids: string[] }> {
  const wish = { workerId, queues: null, tasks: ['t'], limit, suspects: true, floor: null };
  const claim = await claimJobs(tx, wish);
  const briefs = claim.id === null ? [] : (claim.jobs ?? (await readClaim(tx, claim.id))).list;
  return { ...claim, ids: briefs.map(([id]) => id) };
}

function reads(work: (tx: Queryable) => Promise<unknown>): Promise<Reads> {
  return readsOf(db.database, work);
}

/** By index alone, and of each table not many more rows than are asked for. */
function expectFrugal(found: Reads, rows: number, tables: readonly string[] = ['job', 'finished']): void {
  for (const table of tables) {
    const { sequential, indexed } = found.table(table);
    expect(sequential, `rows of ${table} read one after the other`).toBe(0);
    expect(indexed, `rows of ${table} read by index`).toBeLessThanOrEqual(rows);
  }
}

/** Whatever is in the tables, so many rows may be read for each job that is moved. */
const perJob = 6;
const some = 10;
const slack = 20;

const cases: readonly (readonly [string, () => Promise<void>])[] = [
  ['empty tables', async () => undefined],
  ['large tables', fill],
  [
    'large tables full of dead rows',
    async () => {
      await fill();
      await wear();
    },
  ],
];

describe.each(cases)('on %s', (name, prepare) => {
  const full = name !== 'empty tables';
  const bound = some * perJob + slack;

  beforeAll(async () => {
    await open();
    await prepare();
  });
  afterAll(() => db.drop());

  it('a claim reads what it takes', async () => {
    const found = await reads((tx) => take(some, tx));
    expectFrugal(found, bound);
    if (full) expect(found.index('job_ready')).toBeGreaterThan(0);
  });

  it('a claim reads what it takes beside much that runs', async () => {
    const held = await take(300);
    const found = await reads((tx) => take(some, tx));
    // Those that run stand in front: they are passed over, each once.
    expectFrugal(found, bound + held.taken + some);
  });

  it('the jobs of a claim are read by their keys', async () => {
    const { id } = await take(some);
    const found = await reads((tx) => readClaim(tx, id ?? '0'));
    expectFrugal(found, bound);
  });

  it('an end deletes by primary keys', async () => {
    const { id, ids } = await take(some);
    const batch = ids.map((jobId) => ({
      fence: { jobId, attempt: 1, workerId, claimId: id ?? '0' },
      outcome: { kind: 'succeeded', resultJson: 'null' } as const,
      limited: true,
    }));
    const found = await reads((tx) => finish(tx, workerId, batch, [id ?? '0']));
    expectFrugal(found, bound, ['job', 'finished', 'slot', 'claim', 'unique_key']);
  });

  it('a return updates by primary keys', async () => {
    const { id, ids } = await take(some);
    const batch = ids.map((jobId) => ({
      fence: { jobId, attempt: 1, workerId, claimId: id ?? '0' },
      outcome: { kind: 'released', begun: true } as const,
      limited: true,
    }));
    const found = await reads((tx) => giveBack(tx, workerId, batch, [id ?? '0']));
    expectFrugal(found, bound, ['job', 'slot', 'claim', 'unique_key']);
  });

  it('promotion reads what is due, up to its limit', async () => {
    const found = await reads((tx) => promoteDue(tx, some));
    expectFrugal(found, bound);
    if (full) expect(found.index('job_due')).toBeGreaterThan(0);
    expectFrugal(await reads((tx) => msUntilNextDue(tx)), slack);
  });

  it('the ages of queues are read from the front of each, beside much that runs', async () => {
    const held = await take(300);
    expectFrugal(await reads((tx) => readQueueAges(tx)), bound + 1_000 * perJob + 3 * held.taken);
  });

  it('housekeeping reads nothing when there is nothing to do', async () => {
    const nothing = [
      (tx: Queryable) => endOverdue(tx, 0),
      (tx: Queryable) => enforceCancels(tx, 0),
      (tx: Queryable) => healLimits(tx),
      (tx: Queryable) => rescueJobs(tx, 3),
    ];
    for (const turn of nothing) expectFrugal(await reads(turn), slack);
  });

  it('housekeeping reads what it ends', async () => {
    await db.database.query(
      `update signalbox.job set deadline_at = now() where id in (select id from signalbox.job order by id desc limit 5)`,
    );
    await db.database.query(
      `update signalbox.job set cancel_requested_at = now() where id in (select id from signalbox.job order by id limit 5)`,
    );
    expectFrugal(await reads((tx) => endOverdue(tx, 0)), 5 * perJob + slack);
    expectFrugal(await reads((tx) => enforceCancels(tx, 0)), 5 * perJob + slack);
  });

  it('a key that was freed lets in its next job, however many wait for it', async () => {
    await db.database.query(
      `insert into signalbox.job (id, lane_id, priority, place, max_attempts, timeout_ms, input, hold, limit_key, limit_max)
       select ${idSql(4_000_000)}, $1, 0, n, 3, 1000, '{}', 'limited', 'k' || n % 2, 1
       from generate_series(1, ${full ? 20_000 : 4}) as n`,
      [laneId],
    );
    await db.database.query(`insert into signalbox.freed (keys) values ('{k0}')`);
    const held = await db.database.query(`select from signalbox.running`);
    expectFrugal(await reads((tx) => take(some, tx)), bound + held.rows.length);
    const healed = await reads((tx) => healLimits(tx));
    // Of each key one that waits, and what runs.
    expectFrugal(healed, slack + 3 * (held.rows.length + some));
  });

  it('a rescue reads what it takes away', async () => {
    await db.database.query(`update signalbox.worker set lease_expires_at = now()`);
    const held = await db.database.query(
      `select from signalbox.running r join signalbox.job j on j.id = r.job_id and j.runs = r.runs`,
    );
    let rescued = 0;
    const found = await reads(async (tx) => {
      rescued = (await rescueJobs(tx, 3)).length;
    });
    expect(rescued).toBeGreaterThan(0);
    expect(rescued).toBe(held.rows.length);
    expectFrugal(found, rescued * perJob + slack);
  });

  it('lists read what they show', async () => {
    const shown = 20;
    const lists = [
      {},
      { statuses: ['failed'] as const },
      { statuses: ['succeeded'] as const },
      { statuses: ['queued'] as const },
      { owner: 'somebody' },
      { owner: 'somebody', statuses: ['succeeded'] as const },
      { before: '01900000-0000-7000-8000-0000001e9000' },
    ];
    // More often than the server waits before it may settle for one plan for all of them.
    for (let turn = 0; turn < 8; turn += 1) {
      for (const filter of lists) {
        const found = await reads((tx) => listJobs(tx, { ...filter, limit: shown }));
        // Never analyzed, the server may fetch all that a partial index names before it sorts them: here 300 at most.
        for (const table of ['job', 'finished']) {
          const { sequential, indexed } = found.table(table);
          expect(sequential + indexed, `rows of ${table} read for ${JSON.stringify(filter)}`).toBeLessThan(
            400,
          );
        }
      }
    }
  });

  it('what monitoring asks for reads a bounded part, however much waits and is kept', async () => {
    await db.database.query(`insert into signalbox.tally (lane_id, live) values ($1, 1)`, [laneId]);
    await take(some);
    const held = await db.database.query(`select from signalbox.running`);
    // More often than the server waits before it may settle for one plan for all limits.
    for (let turn = 0; turn < 8; turn += 1) {
      expectFrugal(await reads((tx) => listComing(tx, some)), slack);
      expectFrugal(await reads((tx) => sampleEnded(tx, 100)), 100 + slack);
      for (const read of [countLanes, (tx: Queryable) => listClaimed(tx, some)]) {
        expectFrugal(await reads(read), perJob * (held.rows.length + 1) + slack);
      }
    }
  });

  it('what has ended long ago can be found by its id', async () => {
    const before = '01900000-0000-7000-8000-000000200000';
    const old = `select id from signalbox.finished where id < $1 order by id limit 50`;
    const failed = `select id from signalbox.finished where status = 'failed' and id < $1 order by id limit 50`;
    for (const sql of [old, failed]) {
      const found = await reads(async (tx) => {
        await tx.query(`set local enable_seqscan = off`);
        await tx.query(`set local enable_bitmapscan = off`);
        await tx.query(sql, [before]);
      });
      expectFrugal(found, 50);
    }
  });

  it('a job is found and cancelled by its key', async () => {
    const [last] = await listJobs(db.database, { statuses: ['queued'], limit: 1 });
    const id = last?.id ?? newId();
    expectFrugal(await reads((tx) => findJobs(tx, [id])), slack);
    expectFrugal(await reads((tx) => requestCancel(tx, id)), slack);
  });
});
