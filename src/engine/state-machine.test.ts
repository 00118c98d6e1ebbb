import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createTestDatabase, type TestDatabase } from '../database/testing/test-database.js';
import { newId } from '../foundation/ids.js';
import { finalStatuses, type JobStatus, jobStatuses, transitions } from './job.js';

let db: TestDatabase;
beforeAll(async () => {
  db = await createTestDatabase();
});
afterAll(() => db.drop());

/** Shortest legal way from the beginning to each state. */
const ways: Readonly<Record<JobStatus, readonly JobStatus[]>> = {
  scheduled: ['scheduled'],
  blocked: ['blocked'],
  queued: ['queued'],
  processing: ['queued', 'processing'],
  retrying: ['queued', 'processing', 'retrying'],
  succeeded: ['queued', 'processing', 'succeeded'],
  failed: ['queued', 'processing', 'failed'],
  cancelled: ['queued', 'cancelled'],
};

async function move(id: string, status: JobStatus): Promise<void> {
  await db.database.query(
    `update signalbox.job set status = $2, worker_id = $3,
       finished_at = case when $4 then now() end where id = $1`,
    [id, status, status === 'processing' ? newId() : null, finalStatuses.includes(status)],
  );
}

async function jobIn(status: JobStatus): Promise<string> {
  const id = newId();
  const [first, ...rest] = ways[status];
  await db.database.query(
    `insert into signalbox.job (id, task, queue, status, input, max_attempts, timeout_ms)
     values ($1, 't', 'q', $2, '{}', 1, 1)`,
    [id, first],
  );
  for (const next of rest) await move(id, next);
  return id;
}

describe('the state machine of the database', () => {
  const pairs = jobStatuses.flatMap((from) =>
    jobStatuses.filter((to) => to !== from).map((to) => ({ from, to })),
  );

  it.each(pairs)('$from → $to is what the table on the type says', async ({ from, to }) => {
    const id = await jobIn(from);
    const moved = move(id, to);
    if (transitions[from].includes(to)) await expect(moved).resolves.toBeUndefined();
    else await expect(moved).rejects.toMatchObject({ constraint: 'job_transition' });
    const { rows } = await db.database.query<{ status: string; events: string[] }>(
      `select status, (select array_agg(type order by seq) from signalbox.job_event where job_id = id) as events
       from signalbox.job where id = $1`,
      [id],
    );
    const path = transitions[from].includes(to) ? [...ways[from], to] : ways[from];
    expect(rows[0]).toEqual({ status: path.at(-1), events: path });
  });

  it.each(['processing', 'retrying', ...finalStatuses])('lets no job begin as %s', async (status) => {
    const insert = db.database.query(
      `insert into signalbox.job (id, task, queue, status, input, max_attempts, timeout_ms)
       values ($1, 't', 'q', $2, '{}', 1, 1)`,
      [newId(), status],
    );
    await expect(insert).rejects.toMatchObject({ constraint: 'job_transition' });
  });
});
