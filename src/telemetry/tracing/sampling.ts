import type { TracedJob } from '../../foundation/job-trace.js';

const whole = 2 ** 32;

/** Whether a trace that begins here is recorded: the same answer in every process. @param traceId 32 hexadecimal digits */
export function isSampled(traceId: string, rate: number): boolean {
  return Number.parseInt(traceId.slice(24), 16) < rate * whole;
}

/** Whoever sent a context has decided; a trace of the job's own is taken by the rate. */
export function isJobSampled(job: TracedJob, rate: number): boolean {
  const { traceParent } = job;
  if (traceParent === null) return Number.parseInt(job.id.slice(28), 16) < rate * whole;
  return wasSampled(traceParent);
}

/** What the flags of a valid W3C `traceparent` say. */
export function wasSampled(traceParent: string): boolean {
  return (Number.parseInt(traceParent.slice(53, 55), 16) & 1) === 1;
}
