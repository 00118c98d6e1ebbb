import fc from 'fast-check';
import { expect } from 'vitest';
import { checkInvariants } from '../../../invariants.js';
import { isFinal } from '../../../job.js';
import { promoteDue } from '../../../sql/claim.js';
import { addUpTally, endOverdue, enforceCancels, healLimits, rescueJobs } from '../../../sql/rescue.js';
import { removeWorker } from '../../../sql/workers.js';
import { command } from '../command.js';
import type { ModelJob } from '../model.js';

const maxCrashes = 2;
const hourMs = 3_600_000;

/** A worker's process dies with all that it holds. `gone`: its row is no more either. */
const kill = command<{ post: number; gone: boolean }>('kill', async ({ post, gone }, _model, rig) => {
  const ghost = rig.ghost(post);
  if (gone) {
    await removeWorker(rig.db, ghost.id);
    ghost.state = 'gone';
  } else if (ghost.state === 'live') {
    await rig.kill(ghost);
  }
});

/** Rescues what dead workers held, and puts new ones in their place. */
const rescue = command('rescue', async (_args, model, rig) => {
  const dead = rig.ghosts.filter(({ state }) => state !== 'live');
  const lost = model.jobs.filter(({ claim }) => dead.some(({ id }) => id === claim?.workerId));
  const fates = lost.map((job) => ({ job, fate: fateOf(job) }));
  const rescued = await rescueJobs(rig.db, maxCrashes);
  expect(rescued.map(({ id, status }) => `${id} ${status}`).sort()).toEqual(
    fates.map(({ job, fate }) => `${job.id} ${fate}`).sort(),
  );
  for (const { job, fate } of fates) {
    job.crashes += 1;
    model.stop(job, fate);
  }
  for (const [post, ghost] of rig.ghosts.entries()) {
    if (!dead.includes(ghost)) continue;
    ghost.state = 'gone';
    await rig.hire(post);
  }
});

function fateOf(job: ModelJob): 'cancelled' | 'failed' | 'queued' {
  if (job.cancelRequested) return 'cancelled';
  return job.crashes + 1 >= maxCrashes ? 'failed' : 'queued';
}

const promote = command<{ limit: number }>('promote', async ({ limit }, model, rig) => {
  const due = model.jobs.filter(
    ({ due, status }) => due && (status === 'scheduled' || status === 'retrying'),
  );
  const moved = (await promoteDue(rig.db, limit)).reduce((sum, { moved: n }) => sum + n, 0);
  expect(moved).toBe(Math.min(due.length, limit));
  // Which of them, when there are more, the database decides by the time that each was due.
  const { rows } = await rig.db.query<{ id: string }>(
    `select id from signalbox.job where id = any($1::uuid[]) and hold is null`,
    [due.map(({ id }) => id)],
  );
  expect(rows).toHaveLength(moved);
  for (const { id } of rows) {
    const job = model.get(id);
    model.move(job, 'queued');
    job.due = false;
  }
});

interface Patience {
  /** Leaves what still runs to its worker. */
  readonly patient: boolean;
}

const overdue = command<Patience>('endOverdue', async ({ patient }, model, rig) => {
  const ended = await endOverdue(rig.db, patient ? 2 * hourMs : 0);
  const late = model.jobs.filter((job) => isLate(job, patient));
  const deadline = late.filter((job) => job.deadline === 'past').length;
  expect([ended.deadline.length, ended.expired.length]).toEqual([deadline, late.length - deadline]);
  for (const job of late) model.end(job, 'failed');
});

function isLate(job: ModelJob, patient: boolean): boolean {
  if (isFinal(job.status)) return false;
  if (job.claim !== null) return job.deadline === 'past' && !patient;
  return job.deadline === 'past' || (job.expires === 'past' && job.runs === 0);
}

const cancels = command<Patience>('enforceCancels', async ({ patient }, model, rig) => {
  const ended = await enforceCancels(rig.db, patient ? hourMs : 0);
  const wanted = model.jobs.filter(
    ({ cancelRequested, status, claim }) =>
      cancelRequested && !isFinal(status) && (claim === null || !patient),
  );
  expect(ended).toHaveLength(wanted.length);
  for (const job of wanted) model.end(job, 'cancelled');
});

const heal = command('healLimits', async (_args, model, rig) => {
  const unused = [...model.slots].flatMap(([limiter, ids]) =>
    [...ids].filter((id) => model.get(id).claim === null).map((id) => ({ limiter, id })),
  );
  // A key's slot is always known to whoever settles the job.
  expect(unused.filter(({ limiter }) => limiter.startsWith('key:'))).toEqual([]);
  const { slots } = await healLimits(rig.db);
  expect(slots).toBe(unused.length);
  for (const { limiter, id } of unused) model.slots.get(limiter)?.delete(id);
  const codes = (await checkInvariants(rig.db)).map(({ code }) => code);
  expect(codes).not.toContain('slot_unused');
});

const addUp = command('addUpTally', (_args, _model, rig) => addUpTally(rig.db));

const patience = fc.record({ patient: fc.boolean() });
const nothing = fc.constant({});

export const housekeepingCommands = [
  fc.record({ post: fc.nat(2), gone: fc.nat(3).map((n) => n === 3) }).map(kill),
  nothing.map(rescue),
  fc.record({ limit: fc.constantFrom(100, 1, 2) }).map(promote),
  patience.map(overdue),
  patience.map(cancels),
  nothing.map(heal),
  nothing.map(addUp),
];
