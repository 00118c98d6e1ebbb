import type { Job } from '../job.js';
import type { GateFacts, WaitFacts } from '../sql/explain.js';
import { count, type ExplainReason, reason } from './reason.js';

/** Its queue or task is paused. */
export function pauses({ gates }: WaitFacts): ExplainReason[] {
  return gates.flatMap((gate) => {
    const { kind, name, pausedAt: since } = gate;
    if (since === null) return [];
    const remedy = `To let it go on: engine.gates.resume(${argumentsFor(gate)})`;
    return [reason('paused', { kind, name, since }, `${nameOf(gate)} is paused.`, remedy)];
  });
}

/** Its queue, its task or its key has as many jobs running as it may. */
export function fullLimits(job: Job, { gates, key, ahead }: WaitFacts): ExplainReason[] {
  const reasons = gates.flatMap((gate): ExplainReason[] => {
    const { kind, name, maxRunning: limit, inUse, holders: jobs } = gate;
    if (limit === null || inUse < limit) return [];
    const remedy = `To run more at once: engine.gates.limit(${argumentsFor(gate)}, { maxRunning: ${inUse + 1} })`;
    const message = full(nameOf(gate), limit, inUse, jobs);
    return [reason('limit_reached', { kind, name, limit, inUse, jobs }, message, remedy)];
  });
  const { limitKey: name, limitMax: limit } = job;
  if (name === null || limit === null) return reasons;
  const { inUse, holders: jobs, aside } = key;
  if (inUse >= limit) {
    const message = full(`Its key "${name}"`, limit, inUse, jobs);
    reasons.push(reason('limit_reached', { kind: 'key', name, limit, inUse, jobs }, message));
  } else if (aside && ahead.key > 0) {
    // It allows more of the key at once than those before it do.
    const message = `${count(ahead.key, 'other job')} of its key "${name}" ${ahead.key === 1 ? 'waits' : 'wait'} for a slot and ${ahead.key === 1 ? 'comes' : 'come'} first.`;
    reasons.push(reason('key_line', { key: name, ahead: ahead.key }, message));
  }
  return reasons;
}

/** Its queue or task lets nothing start before a time. */
export function closedRates({ gates }: WaitFacts): ExplainReason[] {
  return gates.flatMap((gate) => {
    const { kind, name, pausedAt, closedUntil: until } = gate;
    if (pausedAt !== null || until === null) return [];
    const message = `${nameOf(gate)} lets nothing start before ${until.toISOString()}.`;
    return [reason('rate_limited', { kind, name, until }, message)];
  });
}

function full(who: string, max: number, inUse: number, holders: readonly string[]): string {
  if (max === 0) return `${who} may run no job: its limit is 0.`;
  const named = holders.slice(0, 3).join(', ');
  const more = inUse > 3 ? ` and ${count(inUse - 3, 'other')}` : '';
  return `${who} may run ${count(max, 'job')} at once, and ${inUse === 1 ? '1 runs' : `${inUse} run`}: ${named}${more}.`;
}

function nameOf({ kind, name }: GateFacts): string {
  return `${kind === 'queue' ? 'Queue' : 'Task'} "${name}"`;
}

function argumentsFor({ kind, name }: GateFacts): string {
  return `'${kind}', '${name}'`;
}
