import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { checkInvariants } from './invariants.js';
import { lanes, Rig } from './model/testing/rig.js';
import { claimJobs } from './sql/claim.js';
import { setLimits } from './sql/gates.js';
import { type ViolationCode, violationCodes } from './sql/invariants.js';
import { finish } from './sql/settle.js';
import type { Task } from './task.js';

let rig: Rig;
beforeAll(async () => {
  rig = await Rig.create();
});
afterAll(() => rig.stop());

const first = '01900000-0000-7000-8000-000000000001';
const second = '01900000-0000-7000-8000-000000000002';
const third = '01900000-0000-7000-8000-000000000003';
const ended = '01900000-0000-7000-8000-000000000004';

/** Two jobs of a key run, a third waits for it, a fourth has ended. */
beforeEach(async () => {
  await rig.reset();
  const task = lanes[0] as Task;
  const { id: workerId, queues, tasks } = rig.ghost(0);
  const take = () => claimJobs(rig.db, { workerId, queues, tasks, limit: 5, suspects: true, floor: null });
  await rig.engine.enqueue(
    task,
    {},
    { id: ended, unique: { key: 'u', states: ['queued', 'processing', 'succeeded'] } },
  );
  const claimId = (await take()).id ?? '';
  const fence = { jobId: ended, attempt: 1, workerId, claimId };
  const outcome = { kind: 'succeeded', resultJson: 'null' } as const;
  await finish(rig.db, workerId, [{ fence, outcome, limited: false }], [claimId]);
  for (const id of [first, second, third]) {
    await rig.engine.enqueue(task, {}, { id, concurrency: { key: 'k', limit: 2 } });
  }
  await setLimits(rig.db, 'queue', 'left', { maxRunning: 9 });
  await take();
});

const anyId = `'01900000-0000-7000-8000-00000000000f'`;

interface Plant {
  /** What is done to the database. */
  readonly sql: string;
  readonly code: ViolationCode;
  readonly jobIds: readonly string[];
  /** In the message. */
  readonly words: string;
  readonly passing?: boolean;
}

const plants: readonly Plant[] = [
  {
    sql: `insert into signalbox.finished (id, lane_id, priority, place, max_attempts, timeout_ms, status)
     select id, lane_id, 0, 0, 1, 1, 'failed' from signalbox.job where id = '${third}'`,
    code: 'job_in_two_places',
    jobIds: [third],
    words: 'both unfinished and ended',
  },
  {
    sql: `insert into signalbox.claim (worker_id, job_ids, runs) select worker_id, job_ids[1:1], runs[1:1] from signalbox.claim`,
    code: 'job_claimed_twice',
    jobIds: [first],
    words: 'in two claims',
  },
  {
    sql: `update signalbox.job set lane_id = 0 where id = '${third}'`,
    code: 'job_without_lane',
    jobIds: [third],
    words: 'lane 0',
  },
  {
    sql: `update signalbox.job set input = null where id = '${third}'`,
    code: 'job_without_input',
    jobIds: [third],
    words: 'their input',
  },
  {
    sql: `update signalbox.job set hold = 'blocked' where id = '${first}'`,
    code: 'running_job_held',
    jobIds: [first],
    words: 'run and wait at once (blocked)',
  },
  {
    sql: `update signalbox.worker set lease_expires_at = now() - interval '1 minute'`,
    code: 'worker_dead',
    jobIds: [first, second],
    words: 'whose lease has ended',
  },
  {
    sql: `update signalbox.claim set claimed_at = now() - interval '1 minute', worker_id = ${anyId}`,
    code: 'worker_dead',
    jobIds: [first, second],
    words: 'worker 01900000-0000-7000-8000-00000000000f',
  },
  {
    sql: `delete from signalbox.slot where job_id = '${first}' and limiter = 'queue:left'`,
    code: 'slot_missing',
    jobIds: [first],
    words: 'limit queue:left',
  },
  {
    sql: `insert into signalbox.slot values ('key:other', '${first}')`,
    code: 'slot_foreign',
    jobIds: [first],
    words: 'limit key:other, which is not theirs',
  },
  {
    sql: `insert into signalbox.slot values ('key:k2', '${third}')`,
    code: 'slot_unused',
    jobIds: [third],
    words: 'limit key:k2',
  },
  {
    sql: `insert into signalbox.slot values ('task:a', '${ended}')`,
    code: 'slot_unused',
    jobIds: [ended],
    words: 'limit task:a',
    passing: true,
  },
  {
    sql: `update signalbox.job set limit_max = 1`,
    code: 'limit_exceeded',
    jobIds: [first, second],
    words: 'the limit key:k allows (2 run, the limit is 1)',
  },
  {
    sql: `update signalbox.gate set max_running = 1`,
    code: 'limit_exceeded',
    jobIds: [first, second],
    words: 'the limit queue:left allows (2 run, the limit is 1)',
    passing: true,
  },
  {
    sql: `update signalbox.job set limit_max = 3 where id = '${third}'`,
    code: 'wake_up_lost',
    jobIds: [third],
    words: 'limit key:k, which has room, and no claim will look (2 run, 0 may start, the limit is 3)',
  },
  {
    sql: `insert into signalbox.tally (lane_id, live) select lane_id, 2 from signalbox.job where id = '${first}'`,
    code: 'tally_wrong',
    jobIds: [],
    words: 'left/a is wrong (live is counted as 5, there are 3)',
  },
  {
    sql: `update signalbox.unique_key set states = '{queued}'`,
    code: 'unique_key_stale',
    jobIds: [ended],
    words:
      'key "u" is held by a job that should not hold it: new jobs with it are refused (its job is succeeded)',
  },
  {
    sql: `update signalbox.unique_key set job_id = ${anyId}`,
    code: 'unique_key_stale',
    jobIds: ['01900000-0000-7000-8000-00000000000f'],
    words: '(its job is gone)',
  },
  {
    sql: `update signalbox.job set events = '[{"seq": 1, "attempt": 0}, {"seq": 3, "attempt": 0}]' where id = '${first}'`,
    code: 'events_broken',
    jobIds: [first],
    words: 'have gaps',
  },
  {
    sql: `update signalbox.finished set events = '[{"seq": 1, "attempt": 2}, {"seq": 2, "attempt": 1}]'`,
    code: 'attempt_went_back',
    jobIds: [ended],
    words: 'went back',
  },
];

describe('the invariants', () => {
  it('hold in an empty database and in one at work', async () => {
    expect(await checkInvariants(rig.db)).toEqual([]);
    await rig.reset();
    expect(await checkInvariants(rig.db)).toEqual([]);
  });

  it.each(plants)('see $code: $words', async ({ sql, code, jobIds, words, passing = false }) => {
    await rig.db.query(sql);
    const found = (await checkInvariants(rig.db)).filter((violation) => violation.code === code);
    expect(found).toEqual([
      {
        code,
        jobIds,
        passing,
        message: expect.stringContaining(words),
        remedy: expect.stringMatching(/\.$/),
      },
    ]);
    for (const id of jobIds) expect(found[0]?.message).toContain(id);
  });

  it('are all seen to be broken in this test', () => {
    expect(new Set(plants.map(({ code }) => code))).toEqual(new Set(violationCodes));
  });

  it('name ten jobs and count the others', async () => {
    const items = Array.from({ length: 12 }, () => ({ input: {} }));
    await rig.engine.enqueueMany(lanes[3] as Task, items);
    await rig.db.query(`update signalbox.job set input = null where limit_key is null`);
    const [violation] = await checkInvariants(rig.db);
    expect(violation?.jobIds).toHaveLength(10);
    expect(violation?.message).toMatch(/ and 2 more\.$/);
  });

  it('allow for a history of which the middle was dropped', async () => {
    await rig.db.query(`
      update signalbox.job set events = (
        select jsonb_agg(jsonb_build_object('seq', case when n = 1 then 1 else n + 40 end, 'attempt', n) order by n)
        from generate_series(1, 200) as n)`);
    expect(await checkInvariants(rig.db)).toEqual([]);
  });
});
