import type { Job } from '../job.js';
import type { HolderFacts, WaitFacts } from '../sql/explain.js';
import { count, type ExplainReason, reason } from './reason.js';
import { aboutToBeTaken, ends, noLeader } from './too-late.js';

/** Which worker has a claimed job, and what is about to happen to it. */
export function processing(job: Job, { holder, now, led }: WaitFacts): ExplainReason[] {
  if (holder === null || !holder.live) return lost(job, holder, led);
  const taken = aboutToBeTaken(job, now, holder.claimedAt);
  const enforced = taken.length > 0 && !led ? [noLeader()] : [];
  // The deadline of a job that is past it has been said.
  const late = taken.some(({ code }) => code === 'too_late');
  return [...taken, ...enforced, begun(job, holder), ...(late ? [] : ends(job))];
}

function lost(job: Job, holder: HolderFacts | null, led: boolean): ExplainReason[] {
  const details = { workerId: holder?.workerId ?? job.workerId, leaseUntil: holder?.leaseUntil ?? null };
  const message = `The worker that ran attempt ${job.attempt} has stopped answering; the job is given to another one within seconds.`;
  if (led) return [reason('worker_lost', details, message)];
  const remedy = 'If this stays, no process with a database connection is left to rescue it: signalbox start';
  return [reason('worker_lost', details, message, remedy), noLeader()];
}

/**
 * A worker begins what it claimed in its order, so what stands behind as many as it has slots may not have begun. Only
 * the worker knows: outcomes of those before it may be on their way.
 */
function begun(job: Job, holder: HolderFacts): ExplainReason {
  const { workerId, hostname, pid, leaseUntil, claimedAt: since, before, slots } = holder;
  const where = { workerId, hostname, pid, leaseUntil, since };
  const who = `worker ${workerId} (${hostname}:${pid})`;
  if (slots !== null && before >= slots) {
    return reason(
      'claimed',
      { ...where, before, slots },
      `It was claimed at ${since.toISOString()} by ${who}, which has ${count(before, 'other job')} before it for ${count(slots, 'slot')}: it may not have begun, and is given back if it does not begin within a second or two.`,
    );
  }
  const timesOutAt = new Date(since.getTime() + job.timeoutMs);
  const lease = leaseUntil === null ? '' : `, whose lease holds until ${leaseUntil.toISOString()}`;
  return reason(
    'running',
    { ...where, attempt: job.attempt, timesOutAt },
    `Attempt ${job.attempt} has been running since ${since.toISOString()} on ${who}${lease}.`,
  );
}
