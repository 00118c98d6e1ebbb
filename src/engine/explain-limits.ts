import { count, type ExplainReason, reason } from './explain-reason.js';
import type { Job } from './job.js';
import type { GateFacts, WaitFacts } from './sql/facts.js';

/** Its queue or task is paused. */
export function pauses({ gates }: WaitFacts): ExplainReason[] {
  return gates
    .filter(({ paused }) => paused)
    .map((gate) =>
      reason(
        'paused',
        `${nameOf(gate)} is paused.`,
        `To let it go on: engine.gates.resume(${argumentsFor(gate)})`,
      ),
    );
}

/** Its queue, its task or its key has as many jobs running as it may. */
export function fullLimits(job: Job, { gates, keyInUse, keyHolders }: WaitFacts): ExplainReason[] {
  const reasons = gates.flatMap((gate) => {
    const { maxRunning, inUse, holders } = gate;
    if (maxRunning === null || inUse < maxRunning) return [];
    const remedy = `To run more at once: engine.gates.limit(${argumentsFor(gate)}, { maxRunning: ${inUse + 1} })`;
    return [reason('limit_reached', full(nameOf(gate), maxRunning, inUse, holders), remedy)];
  });
  const { limitKey, limitMax } = job;
  if (limitKey !== null && limitMax !== null && keyInUse >= limitMax) {
    reasons.push(reason('limit_reached', full(`Its key "${limitKey}"`, limitMax, keyInUse, keyHolders)));
  }
  return reasons;
}

/** Its queue or task lets nothing start before a time. */
export function closedRates({ gates }: WaitFacts): ExplainReason[] {
  return gates.flatMap((gate) =>
    gate.paused || gate.closedUntil === null
      ? []
      : [
          reason(
            'rate_limited',
            `${nameOf(gate)} lets nothing start before ${gate.closedUntil.toISOString()}.`,
          ),
        ],
  );
}

/** When it is failed for being too late. */
export function ends(job: Job): ExplainReason[] {
  const { expiresAt, deadlineAt, startedAt } = job;
  return [
    ...(expiresAt === null || startedAt !== null
      ? []
      : [reason('expires', `It is failed unless it has started by ${expiresAt.toISOString()}.`)]),
    ...(deadlineAt === null
      ? []
      : [reason('deadline', `It is failed unless it has ended by ${deadlineAt.toISOString()}.`)]),
  ];
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
