import type { Job } from '../job.js';
import type { WaitFacts } from '../sql/explain.js';
import { ended } from './ended.js';
import { type EstimatedStart, estimateStart } from './estimate.js';
import { later, stillDue } from './later.js';
import { closedRates, fullLimits, pauses } from './limits.js';
import { processing } from './processing.js';
import { type ExplainReason, reason } from './reason.js';
import { aboutToEnd, ends, noLeader } from './too-late.js';
import { busySlots, comesAfter, missingWorker } from './workers.js';

export type { EstimatedStart } from './estimate.js';
export type { ExplainReason } from './reason.js';

/** Why a job is where it is. `summary` is the first reason's sentence. */
export interface Explanation {
  readonly jobId: string;
  readonly status: Job['status'];
  readonly summary: string;
  /** At least one; the most decisive first. */
  readonly reasons: readonly ExplainReason[];
  /** When a job that waits is expected to start; `null` where nothing is known that would tell. */
  readonly estimatedStart: EstimatedStart | null;
}

/** A pure function of what the database said. `facts`: `undefined` for a job that has ended. */
export function explain(job: Job, facts: WaitFacts | undefined): Explanation {
  const reasons = facts === undefined ? [ended(job)] : reasonsFor(job, facts);
  const estimatedStart = facts === undefined ? null : estimateStart(job, facts, reasons);
  const summary = reasons[0]?.message ?? '';
  return Object.freeze({
    jobId: job.id,
    status: job.status,
    summary,
    reasons: Object.freeze(reasons),
    estimatedStart,
  });
}

function reasonsFor(job: Job, facts: WaitFacts): ExplainReason[] {
  switch (job.status) {
    case 'succeeded':
    case 'failed':
    case 'cancelled':
      return [ended(job)];
    case 'processing':
      return processing(job, facts);
    default:
      return aboutToEnd(job, facts) ?? [...waiting(job, facts), ...ends(job)];
  }
}

function waiting(job: Job, facts: WaitFacts): ExplainReason[] {
  switch (job.status) {
    case 'blocked':
      return [reason('blocked', {}, 'It waits for its parent jobs to finish.')];
    case 'scheduled':
    case 'retrying':
      if (facts.due) return [...stillDue(job, facts), ...causes(job, facts)];
      // Limits, rates and slots are about now; of a later time they say nothing.
      return [later(job), ...pauses(facts), ...missingWorker(job, facts)];
    default:
      return next(facts, causes(job, facts));
  }
}

/** What keeps a job waiting whose time has come. */
function causes(job: Job, facts: WaitFacts): ExplainReason[] {
  return [
    ...pauses(facts),
    ...missingWorker(job, facts),
    ...fullLimits(job, facts),
    ...closedRates(facts),
    ...busySlots(facts),
    ...suspicion(job, facts),
  ];
}

/** Nothing keeps it from being claimed. */
function next({ ahead, key, led }: WaitFacts, found: ExplainReason[]): ExplainReason[] {
  if (found.some(({ code }) => code !== 'suspect')) return found;
  const details = { ahead: ahead.queue };
  if (!key.aside) {
    const message = `A worker is free and takes it next; ${comesAfter(ahead.queue)}.`;
    return [reason('next', details, message), ...found];
  }
  // Only the leader looks after a line whose first was cancelled.
  const unseen = key.freed || led ? [] : [noLeader()];
  const message = 'Its key has room for it again; it is let in at the next look, within a second.';
  return [...unseen, reason('next', details, message), ...found];
}

function suspicion(job: Job, { workers }: WaitFacts): ExplainReason[] {
  if (job.crashes === 0 || workers.able === 0) return [];
  const times = job.crashes === 1 ? 'once' : `${job.crashes} times`;
  return [
    reason(
      'suspect',
      { crashes: job.crashes },
      `Its worker died ${times} while it ran, so it is never claimed ahead of time: it goes only into a slot that is free, and others may overtake it.`,
    ),
  ];
}
