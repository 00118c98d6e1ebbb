import { expect } from 'vitest';
import type { Database } from '../../../database/database.js';
import { isFinal } from '../../job.js';
import type { Jobs } from '../../jobs.js';
import { claimJobs } from '../../sql/claim.js';
import { healLimits } from '../../sql/rescue.js';
import { hire, isRemark, nameOf, remove } from './remedies.js';

const maxSteps = 60;

/**
 * Takes away the first reason that a job gives, and the next one, until it runs or has ended. Fails when a reason is
 * still told after it was taken away, or when nothing is left to take away and the job does not start.
 */
export async function unwind(db: Database, jobs: Jobs, id: string): Promise<void> {
  const done: string[] = [];
  const step = (name: string): void => {
    done.push(name);
    expect(done.length, `job ${id} comes to no end: ${done.join(', ')}`).toBeLessThan(maxSteps);
  };
  for (;;) {
    const told = await jobs.explain(id);
    if (told.status === 'processing' || isFinal(told.status)) return;
    expect(told.reasons.length, `reasons of job ${id}`).toBeGreaterThan(0);
    const reason = told.reasons.find((one) => !isRemark(one));
    if (reason === undefined) {
      step('claim');
      await healLimits(db);
      if ((await claimAll(db)) > 0) continue;
      // A claim that takes nothing may have put it behind others of its key, and then it says so.
      const moved = await jobs.explain(id);
      expect(moved.reasons.map(nameOf), `job ${id} was next, and a claim left it`).not.toContain('next');
      continue;
    }
    step(nameOf(reason));
    await remove(db, id, reason);
    const after = await jobs.explain(id);
    if (isFinal(after.status)) continue;
    expect(after.reasons.map(nameOf), `reasons after ${done.join(', ')}`).not.toContain(nameOf(reason));
  }
}

/** Claims once as a worker that serves everything. @returns how many jobs it took */
async function claimAll(db: Database): Promise<number> {
  const tasks = ['a', 'b', 'c'];
  const workerId = await hire(db, tasks);
  let taken = 0;
  for (let again = true; again; ) {
    const claim = await claimJobs(db, {
      workerId,
      queues: null,
      tasks,
      limit: 500,
      suspects: true,
      floor: null,
    });
    taken += claim.taken;
    again = claim.again;
  }
  return taken;
}
