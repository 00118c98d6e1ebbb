import type { Job } from '../job.js';
import { type DurationFacts, type GateFacts, maxAhead, type WaitFacts } from '../sql/explain.js';
import type { ExplainReason } from './reason.js';

/**
 * What an estimate rests on: a slot that is free, a time that is set, a rate that is set, or how long the last
 * attempts took.
 */
export const estimateBases = ['free_slot', 'set_time', 'rate', 'durations'] as const;
export type EstimateBasis = (typeof estimateBases)[number];

export interface EstimatedStart {
  readonly at: Date;
  readonly basis: EstimateBasis;
  /** Attempts whose durations it rests on; `null` where it rests on none. */
  readonly samples: number | null;
}

/** Fewer ended attempts say nothing about the next ones. */
const minSamples = 5;

/** One thing to wait for, in milliseconds from now; `null`: nobody can say how long. */
type Wait = { readonly ms: number; readonly basis: EstimateBasis; readonly samples: number | null } | null;

/**
 * When a waiting job is expected to start: the latest of all that it waits for. `null` where one of them waits for a
 * person or a process, or is not known: never a guess from nothing.
 */
export function estimateStart(
  job: Job,
  facts: WaitFacts,
  reasons: readonly ExplainReason[],
): EstimatedStart | null {
  if (job.status === 'processing' || job.status === 'blocked') return null;
  if (reasons.some(({ code }) => hopeless.has(code))) return null;
  const waits = facts.due ? waitsNow(job, facts) : [setTime(job, facts)];
  let last: NonNullable<Wait> = { ms: 0, basis: 'free_slot', samples: null };
  for (const wait of waits) {
    if (wait === null) return null;
    if (wait.ms > last.ms) last = wait;
  }
  const { ms, basis, samples } = last;
  return Object.freeze({ at: new Date(facts.now.getTime() + Math.round(ms)), basis, samples });
}

/** With these nothing starts until somebody does something. */
const hopeless: ReadonlySet<ExplainReason['code']> = new Set([
  'paused',
  'no_worker',
  'no_worker_for_queue',
  'no_worker_for_task',
  'workers_draining',
  'no_leader',
  'cancelling',
  'too_late',
  'key_line',
]);

function setTime(job: Job, { now }: WaitFacts): Wait {
  return { ms: Math.max(job.runAt.getTime() - now.getTime(), 0), basis: 'set_time', samples: null };
}

function waitsNow(job: Job, facts: WaitFacts): Wait[] {
  return [
    ...facts.gates.flatMap((gate) => [...opening(gate, facts.now), ...tokens(gate), ...room(gate, facts)]),
    ...keyRoom(job, facts),
    ...slots(facts),
  ];
}

/** A rate that is empty, or an upstream that asked for patience. */
function opening({ closedUntil, rate }: GateFacts, now: Date): Wait[] {
  if (closedUntil === null) return [];
  const basis = rate === null ? 'set_time' : 'rate';
  return [{ ms: closedUntil.getTime() - now.getTime(), basis, samples: null }];
}

function tokens({ rate, ahead }: GateFacts): Wait[] {
  if (rate === null || ahead < Math.floor(rate.tokens)) return [];
  if (ahead >= maxAhead) return [null];
  return [{ ms: ((ahead + 1 - rate.tokens) * rate.periodMs) / rate.count, basis: 'rate', samples: null }];
}

function room({ maxRunning, inUse, ahead }: GateFacts, { durations }: WaitFacts): Wait[] {
  if (maxRunning === null || inUse < maxRunning) return [];
  return [turns(ahead, maxRunning, durations.queue)];
}

function keyRoom({ limitMax }: Job, { key, ahead, durations }: WaitFacts): Wait[] {
  if (limitMax === null || key.inUse < limitMax) return [];
  return [turns(ahead.key, limitMax, durations.queue)];
}

function slots({ workers, ahead, durations }: WaitFacts): Wait[] {
  if (ahead.served < workers.free) return [];
  return [turns(ahead.served - workers.free, workers.slots, durations.served)];
}

/** So many before it go through so many slots at once, each as long as the last attempts on average. */
function turns(ahead: number, atOnce: number, { samples, meanMs }: DurationFacts): Wait {
  if (atOnce === 0 || meanMs === null || samples < minSamples || ahead >= maxAhead) return null;
  return { ms: ((ahead + 1) * meanMs) / atOnce, basis: 'durations', samples };
}
