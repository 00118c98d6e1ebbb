import { expect } from 'vitest';
import { isFinal } from '../../job.js';
import type { Claim, Floor } from '../../sql/claim.js';
import type { Model, ModelJob } from './model.js';
import type { Ghost } from './rig.js';

export interface ClaimCase {
  readonly ghost: Ghost;
  readonly limit: number;
  readonly suspects: boolean;
  readonly floor: Floor | null;
}

/** Whether the worker may take this job, limits left aside. */
export function isOffered(job: ModelJob, { ghost, suspects }: ClaimCase): boolean {
  return (
    job.status === 'queued' &&
    ghost.tasks.includes(job.task) &&
    (ghost.queues?.includes(job.queue) ?? true) &&
    !job.cancelRequested &&
    !(job.expires === 'past' && job.runs === 0) &&
    job.deadline !== 'past' &&
    (suspects || job.crashes === 0)
  );
}

/** Negative: `a` is to start first. */
export function order(a: ModelJob, b: ModelJob): number {
  if (a.priority !== b.priority) return a.priority - b.priority;
  return a.place < b.place ? -1 : a.place > b.place ? 1 : 0;
}

/**
 * What a claim must never do, whichever way it finds its jobs: pass over one that nothing restrains, or overtake
 * within one key of one lane. `before` is the model as it was, `taken` what the claim took, in its order.
 */
export function checkOrder(
  model: Model,
  before: readonly ModelJob[],
  taken: readonly string[],
  claim: ClaimCase,
  again: boolean,
): void {
  const chosen = new Set(taken);
  const mine = before.filter((job) => chosen.has(job.id));
  const left = before.filter((job) => !chosen.has(job.id) && isOffered(job, claim));
  for (const job of left) {
    const later = mine.filter((other) => order(job, other) < 0);
    if (isFree(model, job) && isAbove(job, claim.floor)) {
      if (!again) expect(taken.length, `job ${job.id} was passed over`).toBe(claim.limit);
      expect(later, `job ${job.id} was overtaken`).toEqual([]);
    }
    if (claim.floor !== null || job.limit === null) continue;
    const kin = before.filter(({ limit, status }) => limit?.key === job.limit?.key && !isFinal(status));
    // Where jobs of one key allow different numbers of it, one with a larger number may pass.
    if (kin.some(({ limit }) => limit?.max !== job.limit?.max)) continue;
    // And so may a newcomer where room was given to a job of another lane.
    if (job.held && kin.some(isReady)) continue;
    const alike = later.filter((other) => kin.includes(other) && isInLane(other, job));
    expect(alike, `job ${job.id} was overtaken within its key`).toEqual([]);
  }
}

/** After a claim that took fewer than it could and did not ask for another, nothing may be left that can start. */
export function checkNothingLeft(model: Model, claim: ClaimCase, result: Claim): void {
  if (result.again || result.taken === claim.limit || claim.floor !== null) return;
  const startable = model.jobs.filter((job) => !job.held && isOffered(job, claim) && model.fits(job));
  expect(startable, 'jobs that could start were left behind').toEqual([]);
}

function isInLane(a: ModelJob, b: ModelJob): boolean {
  return a.queue === b.queue && a.task === b.task;
}

function isReady(job: ModelJob): boolean {
  return job.status === 'queued' && !job.held;
}

function isFree(model: Model, job: ModelJob): boolean {
  return job.limit === null && model.gatesOf(job).every(([name]) => model.room(name) === null);
}

function isAbove(job: ModelJob, floor: Floor | null): boolean {
  if (floor === null) return true;
  if (job.priority !== floor.priority) return job.priority > floor.priority;
  return job.place >= BigInt(floor.place);
}
