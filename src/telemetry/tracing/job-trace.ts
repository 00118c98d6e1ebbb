import type { Queryable } from '../../database/queryable.js';
import { isFinal, type Job, type JobEvent, type JobStatus } from '../../engine/job.js';
import { type JobSpanKind, jobSpanId, traceIdOf } from '../../foundation/job-trace.js';
import { traceFieldsOf } from '../../foundation/trace-parent.js';
import type { SpanKindName } from './store/kept-span.js';
import { readSpans } from './store/store.js';

/** A bar of the waterfall of one job. */
export interface TraceSpan {
  readonly spanId: string;
  readonly parentId: string | null;
  /** `engine`: read from the events of the job, so it is there for every job; `recorded`: a span that was kept. */
  readonly source: 'engine' | 'recorded';
  readonly name: string;
  readonly kind: SpanKindName;
  readonly startedAt: Date;
  /** `null`: it goes on. */
  readonly durationMs: number | null;
  readonly error: string | null;
  readonly attributes: Readonly<Record<string, unknown>>;
}

export interface JobTrace {
  readonly traceId: string;
  /** By their start. */
  readonly spans: readonly TraceSpan[];
  /** Whether there are more than are told. */
  readonly truncated: boolean;
}

const limit = 1_000;
/** Of a job: what is read of them for its trace. */
export const maxEvents = 1_000;
const kindOf: Readonly<Partial<Record<JobStatus, JobSpanKind>>> = {
  queued: 'queued',
  scheduled: 'scheduled',
  retrying: 'retrying',
  blocked: 'blocked',
  processing: 'process',
};

/** Where the time of a job went: its own spans from its events, and what was recorded within them. */
export async function traceOfJob(db: Queryable, job: Job, events: readonly JobEvent[]): Promise<JobTrace> {
  const traceId = traceIdOf(job);
  const kept = await readSpans(db, { traceId, jobId: job.id, limit: limit + 1 });
  const own = ownSpans(job, events);
  const known = new Set(own.map(({ spanId }) => spanId));
  // An attempt that sent jobs is kept for those.
  const others = kept.slice(0, limit).filter(({ spanId }) => !known.has(spanId));
  const recorded = others.map(
    (span): TraceSpan => ({
      spanId: span.spanId,
      parentId: span.parentId,
      source: 'recorded',
      name: span.name,
      kind: span.kind,
      startedAt: span.startedAt,
      durationMs: span.durationUs / 1_000,
      error: span.error,
      attributes: span.attributes,
    }),
  );
  const spans = [...own, ...recorded].sort((a, b) => Number(a.startedAt) - Number(b.startedAt));
  return { traceId, spans, truncated: kept.length > limit || events.length >= maxEvents };
}

function ownSpans(job: Job, events: readonly JobEvent[]): TraceSpan[] {
  const send = jobSpanId(job.id, 'send', 0);
  const attributes = { 'messaging.destination.name': job.queue, 'signalbox.task': job.task };
  const common = { source: 'engine', attributes } as const;
  const spans: TraceSpan[] = [
    {
      ...common,
      spanId: send,
      parentId: traceFieldsOf(job.traceParent)?.span_id ?? null,
      name: `send ${job.queue}`,
      kind: 'producer',
      startedAt: job.createdAt,
      durationMs: 0,
      error: null,
    },
  ];
  const moves = events.filter(({ type }) => type in kindOf || isFinal(type as JobStatus));
  for (const [n, { type, at, attempt, data }] of moves.entries()) {
    const kind = kindOf[type as JobStatus];
    if (kind === undefined) continue;
    const next = moves[n + 1];
    const processes = kind === 'process';
    const failed = processes && (next?.type === 'failed' || next?.type === 'retrying');
    spans.push({
      ...common,
      spanId: jobSpanId(job.id, kind, kind === 'process' ? attempt : attempt + 1),
      parentId: send,
      name: `${kind} ${job.queue}`,
      kind: processes ? 'consumer' : 'internal',
      startedAt: at,
      durationMs: next === undefined ? null : Math.max(Number(next.at) - Number(at), 0),
      error: failed ? reasonOf(next?.data ?? {}) : null,
      attributes: {
        ...attributes,
        ...(processes ? { 'signalbox.attempt': attempt } : {}),
        ...reasonIn(data),
      },
    });
  }
  return spans;
}

function reasonIn(data: Readonly<Record<string, unknown>>): Readonly<Record<string, unknown>> {
  return typeof data.reason === 'string' ? { 'signalbox.reason': data.reason } : {};
}

function reasonOf(data: Readonly<Record<string, unknown>>): string {
  return typeof data.reason === 'string' ? data.reason : 'failed';
}
