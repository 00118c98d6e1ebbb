import { expect } from 'vitest';
import { finalStatuses, jobStatuses } from '../job.js';
import type { Harness } from './harness.js';

/** Checks what must hold whenever nothing runs: no slot is used, nothing waits, and the counts are what is there. */
export async function expectAllAtRest(h: Harness): Promise<void> {
  const { rows } = await h.db.database.query<{ status: string; n: number }>(
    `select status, count(*)::integer as n from signalbox.jobs group by status`,
  );
  const found = Object.fromEntries(rows.map(({ status, n }) => [status, n]));
  expect(Object.keys(found).filter((status) => !finalStatuses.some((final) => final === status))).toEqual([]);
  const expected = Object.fromEntries(jobStatuses.map((status) => [status, found[status] ?? 0]));
  expect(await h.engine.jobs.counts()).toEqual(expected);
  const { rows: slots } = await h.db.database.query(`select * from signalbox.slot`);
  expect(slots).toEqual([]);
}
