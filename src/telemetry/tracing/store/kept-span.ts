import { SpanKind, SpanStatusCode } from '@opentelemetry/api';
import { hrTimeToMicroseconds, hrTimeToMilliseconds } from '@opentelemetry/core';
import type { ReadableSpan } from '@opentelemetry/sdk-trace-base';

export const spanKindNames = ['internal', 'server', 'client', 'producer', 'consumer'] as const;
export type SpanKindName = (typeof spanKindNames)[number];

/** A span as the database keeps it. */
export interface KeptSpan {
  readonly traceId: string;
  readonly spanId: string;
  readonly parentId: string | null;
  /** `null`: of the request that sent the job. */
  readonly jobId: string | null;
  readonly name: string;
  readonly kind: SpanKindName;
  readonly startedAt: Date;
  readonly durationUs: number;
  /** What went wrong; `null`: nothing did. */
  readonly error: string | null;
  readonly attributes: Readonly<Record<string, unknown>>;
}

const kindNames: Readonly<Record<SpanKind, SpanKindName>> = {
  [SpanKind.INTERNAL]: 'internal',
  [SpanKind.SERVER]: 'server',
  [SpanKind.CLIENT]: 'client',
  [SpanKind.PRODUCER]: 'producer',
  [SpanKind.CONSUMER]: 'consumer',
};

export function keptSpanOf(span: ReadableSpan, jobId: string | null): KeptSpan {
  const { traceId, spanId } = span.spanContext();
  const failed = span.status.code === SpanStatusCode.ERROR;
  return {
    traceId,
    spanId,
    parentId: span.parentSpanContext?.spanId ?? null,
    jobId,
    name: span.name.slice(0, 200),
    kind: kindNames[span.kind],
    startedAt: new Date(hrTimeToMilliseconds(span.startTime)),
    durationUs: Math.round(hrTimeToMicroseconds(span.duration)),
    error: failed ? (span.status.message ?? 'failed').slice(0, 500) : null,
    attributes: span.attributes,
  };
}
