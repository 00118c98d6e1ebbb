import fc from 'fast-check';
import { afterEach, describe, expect, it } from 'vitest';
import type { Queryable } from '../database/queryable.js';
import { PermanentError } from '../engine/failure.js';
import { spanEdgesMs } from '../engine/spans.js';
import { addUpTally } from '../engine/sql/rescue.js';
import { forgetJobs } from '../engine/sql/retention.js';
import { anyTask, cancelIfCan, Harness } from '../engine/testing/harness.js';
import { readsOf } from '../engine/testing/reads.js';
import { silentLogger } from '../foundation/logger.js';
import { Historian } from './historian.js';
import { countChanges, historyState, pruneHistory } from './store/keep.js';

let h: Harness;
afterEach(() => h.stop());

const done = anyTask('done', async () => null);
const bad = anyTask('bad', async () => Promise.reject(new PermanentError('no')), { queue: 'other' });
const flaky = anyTask('flaky', async (_input, { job }) => {
  if (job.attempt === 1) throw new Error('not yet');
  return null;
});
const tasks = [done, bad, flaky];
const items = (length: number) => Array.from({ length }, () => ({ input: {} }));

interface Row {
  readonly at: string;
  readonly task: string;
  readonly counts: string;
}

const columns = `h.enqueued, h.started, h.retried, h.succeeded, h.failed, h.cancelled`;

/** What the history says, by time and task. */
async function kept(step = 60): Promise<Row[]> {
  const { rows } = await h.db.database.query<Row>(
    `select h.at::text as at, l.task, concat_ws(' ', ${columns}) as counts
     from signalbox.history h join signalbox.lane l on l.id = h.lane_id where h.step = $1 order by 1, 2`,
    [step],
  );
  return rows;
}

/** The same, counted one by one in the jobs and their events. Only claims are not told by the time of their transaction. */
const truthSql = `
  with told as (
    select f.lane_id, f.created_at, f.runs, signalbox.whole_history(f) as events from signalbox.finished f
    union all
    select j.lane_id, j.created_at, j.runs, signalbox.history(j) from signalbox.job j),
  happened as (
    select lane_id, created_at as at, 'enqueued' as what, 1 as n from told
    union all
    select lane_id, (e ->> 'at')::timestamptz, e ->> 'type', 1 from told cross join jsonb_array_elements(events) as e
    where e ->> 'type' in ('retrying', 'succeeded', 'failed', 'cancelled'))
  select date_trunc('minute', at, 'UTC')::text as at, l.task, concat_ws(' ',
    count(*) filter (where what = 'enqueued'), count(*) filter (where what = 'retrying'),
    count(*) filter (where what = 'succeeded'), count(*) filter (where what = 'failed'),
    count(*) filter (where what = 'cancelled')) as counts
  from happened join signalbox.lane l on l.id = lane_id where l.task <> 'signalbox.canary' group by 1, 2 order by 1, 2`;

async function truth(): Promise<Row[]> {
  return (await h.db.database.query<Row>(truthSql)).rows;
}

async function keptButClaims(): Promise<Row[]> {
  const { rows } = await h.db.database.query<Row>(
    `select * from (
       select h.at::text as at, l.task,
              concat_ws(' ', h.enqueued, h.retried, h.succeeded, h.failed, h.cancelled) as counts
       from signalbox.history h join signalbox.lane l on l.id = h.lane_id where h.step = 60) as r
     where counts <> '0 0 0 0 0' order by 1, 2`,
  );
  return rows;
}

/** Until nothing waits or runs. */
async function rest(): Promise<void> {
  await expect
    .poll(
      async () => {
        const { queued, scheduled, retrying, processing } = await h.engine.jobs.counts();
        return queued + scheduled + retrying + processing;
      },
      { timeout: 30_000 },
    )
    .toBe(0);
}

const step = fc.record({
  what: fc.constantFrom('one', 'many', 'later', 'cancelled', 'retried', 'twice') as fc.Arbitrary<
    'one' | 'many' | 'later' | 'cancelled' | 'retried' | 'twice'
  >,
  task: fc.constantFrom(done, bad, flaky),
  count: fc.boolean(),
});

async function play({ what, task, count }: typeof step extends fc.Arbitrary<infer S> ? S : never) {
  const { engine } = h;
  if (what === 'many') await engine.enqueueMany(task, items(3));
  else {
    const runAt = new Date(Date.now() + (what === 'later' ? 50 : what === 'cancelled' ? 3_600_000 : 0));
    const { id } = await engine.enqueue(task, {}, what === 'one' || what === 'retried' ? {} : { runAt });
    if (what === 'cancelled') await cancelIfCan(engine, id);
    // A second with the same id is none.
    if (what === 'twice') await engine.enqueue(task, {}, { id });
    if (what === 'retried' && task === bad) {
      await h.until(id, 'failed');
      await engine.jobs.retry(id);
    }
  }
  if (count) await countChanges(h.db.database);
}

describe('the history of jobs', () => {
  it('is what happened, whatever happened and whenever it was counted', async () => {
    h = await Harness.start(tasks, silentLogger, { canaryMs: 20 });
    await h.worker();
    await fc.assert(
      fc.asyncProperty(fc.array(step, { minLength: 1, maxLength: 12 }), async (steps) => {
        await Promise.all(steps.map(play));
        await rest();
        await countChanges(h.db.database);
        expect(await keptButClaims()).toEqual(await truth());
        const { rows } = await h.db.database.query<{ told: number; truth: number }>(
          `select (select sum(started)::integer from signalbox.history where step = 60) as told,
                  (select sum(runs)::integer from signalbox.finished f join signalbox.lane l on l.id = f.lane_id
                   where l.task <> 'signalbox.canary') as truth`,
        );
        expect(rows[0]?.told).toEqual(rows[0]?.truth);
      }),
      { numRuns: 8, endOnFailure: true },
    );
  }, 120_000);

  it('tells how long the jobs waited and ran, as their rows do', async () => {
    h = await Harness.start(tasks);
    await h.engine.enqueueMany(done, items(30));
    await h.worker();
    await rest();
    await countChanges(h.db.database);
    const { rows } = await h.db.database.query<{ letters: string; span: number }>(
      `select 'wait' as kind, s.n::integer as n, sum(s.c)::integer as c from signalbox.history h
       cross join lateral unnest(h.waits) with ordinality as s(c, n) where step = 60 and s.c > 0 group by 2
       union all
       select 'run', s.n::integer, sum(s.c)::integer from signalbox.history h
       cross join lateral unnest(h.took) with ordinality as s(c, n) where step = 60 and s.c > 0 group by 2 order by 1, 2`,
    );
    const { rows: direct } = await h.db.database.query(
      `select 'wait' as kind, signalbox.span(date_part('epoch', started_at) - place / 1e6::float8) + 1 as n,
              count(*)::integer as c from signalbox.finished group by 2
       union all
       select 'run', signalbox.span(date_part('epoch', finished_at) - date_part('epoch', started_at)) + 1,
              count(*)::integer from signalbox.finished group by 2 order by 1, 2`,
    );
    expect(rows).toEqual(direct);
    expect(rows.length).toBeGreaterThan(1);
  });

  it('counts by the spans that the code knows', async () => {
    h = await Harness.start(tasks);
    const seconds = spanEdgesMs.flatMap((ms) => [(ms / 1_000) * 0.999, ms / 1_000]);
    const { rows } = await h.db.database.query<{ n: number }>(
      `select signalbox.span(s) as n from unnest($1::float8[]) as s`,
      [seconds],
    );
    expect(rows.map(({ n }) => n)).toEqual(spanEdgesMs.flatMap((_, n) => [n, n + 1]));
  });

  it('counts nothing twice and forgets nothing, though two count at once while work goes on', async () => {
    h = await Harness.start(tasks);
    await h.worker();
    let working = true;
    const counting = [1, 2, 3].map(async () => {
      while (working) await countChanges(h.db.database);
    });
    for (let n = 0; n < 20; n += 1) await h.engine.enqueueMany(flaky, items(5));
    await rest();
    working = false;
    await Promise.all(counting);
    await countChanges(h.db.database);
    const before = await kept();
    expect(await keptButClaims()).toEqual(await truth());
    await countChanges(h.db.database);
    expect(await kept()).toEqual(before);
    expect(await h.engine.jobs.counts()).toMatchObject({ succeeded: 100, queued: 0 });
  }, 60_000);

  it('is kept by one process, and by the next when that one stops', async () => {
    h = await Harness.start(tasks);
    const db = h.db.database;
    const [one, other] = [
      new Historian({ db, logger: silentLogger }),
      new Historian({ db, logger: silentLogger }),
    ];
    await h.engine.enqueue(done, {});
    expect(await one.runOnce()).toMatchObject({ leading: true });
    expect(await other.runOnce()).toMatchObject({ leading: false });
    await h.engine.enqueue(done, {});
    await one.stop();
    expect(await other.runOnce()).toMatchObject({ leading: true });
    expect((await kept()).map(({ counts }) => Number(counts.split(' ')[0])).reduce((a, b) => a + b)).toBe(2);
    await other.stop();
  });

  it('adds what was committed late to the minute in which it was', async () => {
    h = await Harness.start(tasks);
    const db = h.db.database;
    await db.transaction(async (tx) => {
      await h.engine.enqueue(tx, done, {});
      await countChanges(db);
      expect(await kept()).toEqual([]);
    });
    await countChanges(db);
    expect(await keptButClaims()).toEqual(await truth());
    expect(await kept()).toHaveLength(1);
  });

  it('does not change when jobs are removed', async () => {
    h = await Harness.start(tasks);
    await h.worker();
    await h.engine.enqueueMany(done, items(2));
    await rest();
    const removed = { succeededMs: -60_000, failedMs: -60_000, cancelledMs: -60_000 };
    expect(await forgetJobs(h.db.database, { after: null, limit: 10, keep: removed })).toMatchObject({
      removed: 2,
    });
    await countChanges(h.db.database);
    const [enqueued = 0, , , succeeded = 0] = (await kept())
      .map(({ counts }) => counts.split(' ').map(Number))
      .reduce((sum, counts) => sum.map((n, i) => n + (counts[i] ?? 0)));
    expect([enqueued, succeeded]).toEqual([2, 2]);
  });

  it('reads no job', async () => {
    h = await Harness.start(tasks);
    await h.engine.enqueueMany(done, items(50));
    const found = await readsOf(h.db.database, (tx) => addUpTally(tx, 0));
    for (const table of ['job', 'finished']) {
      expect(found.table(table), table).toEqual({ sequential: 0, indexed: 0 });
    }
    expect(await kept()).toHaveLength(1);
  });
});

/** A change as a move of the engine writes it. */
async function change(db: Queryable, at: string, what: string): Promise<void> {
  await db.query(
    `insert into signalbox.tally (lane_id, at, ${what}) select min(id), $1, 1 from signalbox.lane`,
    [at],
  );
}

describe('the time of the history', () => {
  // Hours of these do not begin with those of UTC, or there is one that is twice or missing that night.
  it.each(['UTC', 'Asia/Kolkata', 'America/New_York', 'Australia/Lord_Howe'])(
    'is UTC in %s',
    async (zone) => {
      h = await Harness.start(tasks);
      await h.engine.stop();
      const db = h.db.database;
      const times = [
        '2026-11-01 05:59:59.999999Z',
        '2026-11-01 06:00:00Z',
        '2026-11-01 06:00:59.999Z',
        '2026-11-01 06:30:00Z',
        '2026-11-01 06:59:59.9999Z',
        '2026-11-01 07:00:00Z',
      ];
      await db.transaction(async (tx) => {
        await tx.query(`select set_config('timezone', $1, true)`, [zone]);
        for (const at of times) await change(tx, at, 'live');
        await addUpTally(tx, 0);
      });
      const { rows } = await db.query(
        `select step, to_char(at at time zone 'UTC', 'HH24:MI:SS') as at, enqueued as n from signalbox.history order by 1, 2`,
      );
      expect(rows).toEqual([
        { step: 60, at: '05:59:00', n: 1 },
        { step: 60, at: '06:00:00', n: 2 },
        { step: 60, at: '06:30:00', n: 1 },
        { step: 60, at: '06:59:00', n: 1 },
        { step: 60, at: '07:00:00', n: 1 },
        { step: 3600, at: '05:00:00', n: 1 },
        { step: 3600, at: '06:00:00', n: 4 },
        { step: 3600, at: '07:00:00', n: 1 },
      ]);
    },
  );

  it('has hours that are the sum of their minutes', async () => {
    h = await Harness.start(tasks);
    await h.worker();
    await h.engine.enqueueMany(flaky, items(3));
    await rest();
    await h.engine.stop();
    const db = h.db.database;
    // The same over some hours, in two lots.
    for (const lot of [0, 1]) {
      await db.query(
        `insert into signalbox.tally (lane_id, live, processing, succeeded, at, spans)
         select min(l.id), -2, -2, 2, timestamptz '2026-05-01 10:00Z' + (n * 7 + $1) * interval '1 minute', array[1, 32 * 2 + 22]
         from signalbox.lane l cross join generate_series(1, 40) as n group by n`,
        [lot],
      );
      await countChanges(db);
    }
    const sums = await db.query(
      `select date_trunc('hour', h.at, 'UTC') as at, lane_id, sum(enqueued) as a, sum(started) as b, sum(retried) as c,
              sum(succeeded) as d, sum(failed) as e, sum(cancelled) as f from signalbox.history h where step = 60
       group by 1, 2 order by 1, 2`,
    );
    const hours = await db.query(
      `select at, lane_id, enqueued::bigint as a, started::bigint as b, retried::bigint as c, succeeded::bigint as d,
              failed::bigint as e, cancelled::bigint as f from signalbox.history where step = 3600 order by 1, 2`,
    );
    expect(hours.rows).toEqual(sums.rows);
    expect(hours.rows.length).toBeGreaterThan(4);
    const spans = (name: string, length: number) =>
      db.query(
        `select date_trunc('hour', h.at, 'UTC') as at, s.n, sum(s.c) as c from signalbox.history h
         cross join lateral unnest(h.${name}) with ordinality as s(c, n) where step = $1 group by 1, 2 order by 1, 2`,
        [length],
      );
    for (const name of ['waits', 'took']) {
      expect((await spans(name, 3_600)).rows).toEqual((await spans(name, 60)).rows);
    }
  });

  it('ends after 7 days by the minute and 90 by the hour, so many rows at a time', async () => {
    h = await Harness.start(tasks);
    await h.engine.stop();
    const db = h.db.database;
    await db.query(
      `insert into signalbox.history (step, at, lane_id, enqueued)
       select s, date_trunc('hour', now()) - d * interval '1 day', 1, 1
       from unnest('{60, 3600}'::integer[]) as s cross join unnest('{1, 6, 8, 9, 80, 91, 92}'::integer[]) as d`,
    );
    await db.query(
      `insert into signalbox.history_request (step, at, process, requests, server_errors)
       select h.step, h.at, gen_random_uuid(), 1, 0 from signalbox.history h`,
    );
    expect(await pruneHistory(db, 1)).toBe(4);
    while ((await pruneHistory(db, 1)) > 0);
    for (const table of ['history', 'history_request']) {
      const { rows } = await db.query(
        `select step, count(*)::integer as n, max(now() - at) < interval '91 days' as young
         from signalbox.${table} group by 1 order by 1`,
      );
      expect(rows, table).toEqual([
        { step: 60, n: 2, young: true },
        { step: 3_600, n: 5, young: true },
      ]);
    }
  });

  it('says up to when it is known', async () => {
    h = await Harness.start(tasks);
    expect(await historyState(h.db.database)).toMatchObject({ countedTo: null, ageMs: null });
    await countChanges(h.db.database);
    const { countedTo, ageMs, now } = await historyState(h.db.database);
    expect(now.getTime() - (countedTo?.getTime() ?? 0)).toBeGreaterThanOrEqual(0);
    expect(ageMs).toBeGreaterThanOrEqual(0);
  });
});
