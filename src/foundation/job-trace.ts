import { traceFieldsOf } from './trace-parent.js';

/** What a trace knows a job by. */
export interface TracedJob {
  readonly id: string;
  /** W3C context of whoever enqueued it. */
  readonly traceParent: string | null;
}

/** The spans that every job has: it was sent, it waits for a slot, a time or the end of a backoff, it is processed. */
export const jobSpanKinds = ['send', 'queued', 'scheduled', 'retrying', 'blocked', 'process'] as const;
export type JobSpanKind = (typeof jobSpanKinds)[number];

/** Of the enqueuer when there was one; else the job's own: its id is its trace. 32 hexadecimal digits. */
export function traceIdOf({ id, traceParent }: TracedJob): string {
  return traceFieldsOf(traceParent)?.trace_id ?? id.replaceAll('-', '');
}

/**
 * The id of a span of a job, 16 hexadecimal digits: the same wherever it is asked for, so that every process, and
 * whoever reads the trace later, can name a span that another one wrote.
 * @param number counts the spans of this kind: the attempt for `process`, what stood before it for the others
 */
export function jobSpanId(jobId: string, kind: JobSpanKind, number: number): string {
  const digits = jobId.replaceAll('-', '').slice(16);
  const low = Number.parseInt(digits.slice(8), 16) ^ (number * 8 + jobSpanKinds.indexOf(kind) + 1);
  return digits.slice(0, 8) + (low >>> 0).toString(16).padStart(8, '0');
}
