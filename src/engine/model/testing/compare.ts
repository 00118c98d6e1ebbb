import { expect } from 'vitest';
import { checkInvariants } from '../../invariants.js';
import { type JobStatus, transitions } from '../../job.js';
import type { Model, ModelJob } from './model.js';
import type { Rig } from './rig.js';

interface Row {
  id: string;
  status: JobStatus;
  attempt: number;
  failures: number;
  crashes: number;
  worker_id: string | null;
  place: string | null;
  hold: string | null;
}

const jobsSql = `
  select v.id, v.status, v.attempt, v.failures, v.crashes, v.worker_id, j.place::text, j.hold
  from signalbox.jobs v left join signalbox.job j on j.id = v.id`;
const slotsSql = `select limiter || ' ' || job_id as slot from signalbox.slot`;
const keysSql = `select key || ' ' || job_id as held from signalbox.unique_key where until is null or until > now()`;

/** What was compared last, to see that a move between two looks is a legal one. */
export type Seen = Map<string, { status: JobStatus; attempt: number }>;

/** Fails unless the database is as the model says and every invariant holds. Takes over places and holds. */
export async function compare(model: Model, rig: Rig, seen: Seen): Promise<void> {
  const [jobs, slots, keys, violations] = await Promise.all([
    rig.db.query<Row>(jobsSql),
    rig.db.query<{ slot: string }>(slotsSql),
    rig.db.query<{ held: string }>(keysSql),
    checkInvariants(rig.db),
  ]);
  expect(
    violations.filter(({ passing }) => !passing).map(({ message }) => message),
    'invariants',
  ).toEqual([]);
  expect(jobs.rows.map(outside).sort(byId), 'jobs').toEqual(model.jobs.map(expected).sort(byId));
  expect(slots.rows.map(({ slot }) => slot).sort(), 'slots').toEqual(
    [...model.slots].flatMap(([limiter, ids]) => [...ids].map((id) => `${limiter} ${id}`)).sort(),
  );
  expect(keys.rows.map(({ held }) => held).sort(), 'unique keys').toEqual(
    [...model.unique].map(([key, { jobId }]) => `${key} ${jobId}`).sort(),
  );
  for (const row of jobs.rows) {
    const job = model.get(row.id);
    checkMove(row, seen);
    takeOver(row, job);
  }
}

function outside({ id, status, attempt, failures, crashes, worker_id }: Row) {
  return { id, status, attempt, failures, crashes, workerId: worker_id };
}

function expected({ id, status, runs, failures, crashes, claim }: ModelJob) {
  const attempt = claim === null ? runs : runs + 1;
  return { id, status, attempt, failures, crashes, workerId: claim?.workerId ?? null };
}

function byId(a: { readonly id: string }, b: { readonly id: string }): number {
  return a.id < b.id ? -1 : 1;
}

function checkMove({ id, status, attempt }: Row, seen: Seen): void {
  const before = seen.get(id);
  seen.set(id, { status, attempt });
  if (before === undefined) return;
  expect(attempt, 'an attempt only grows').toBeGreaterThanOrEqual(before.attempt);
  if (before.status !== status) expect(transitions[before.status]).toContain(status);
}

/** A place only changes on the way into the line, or when the job stops waiting for its key. */
function takeOver(row: Row, job: ModelJob): void {
  if (row.place === null) return;
  const place = BigInt(row.place);
  const held = row.hold === 'limited';
  if (held) expect(job.limit, 'only jobs with a key wait for one').not.toBeNull();
  expect(place, 'a job never moves forward in its line').toBeGreaterThanOrEqual(job.place);
  job.place = place;
  job.held = held;
}
