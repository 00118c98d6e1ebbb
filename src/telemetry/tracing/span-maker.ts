import {
  type Attributes,
  type Context,
  createContextKey,
  type Link,
  ROOT_CONTEXT,
  type Span,
  type SpanKind,
  TraceFlags,
  type Tracer,
  trace,
} from '@opentelemetry/api';
import {
  type IdGenerator,
  RandomIdGenerator,
  type Sampler,
  SamplingDecision,
} from '@opentelemetry/sdk-trace-base';
import { isSampled } from './sampling.js';

const keptKey = createContextKey('signalbox: recorded whatever the rate says');

/** Samples what others start: by the parent, else by the rate. What is planned has been decided. */
export function samplerOf(rate: number): Sampler {
  return {
    shouldSample: (context, traceId) => {
      const parent = trace.getSpanContext(context);
      const sampled =
        context.getValue(keptKey) === true ||
        (parent === undefined
          ? isSampled(traceId, rate)
          : (parent.traceFlags & TraceFlags.SAMPLED) === TraceFlags.SAMPLED);
      return { decision: sampled ? SamplingDecision.RECORD_AND_SAMPLED : SamplingDecision.NOT_RECORD };
    },
    toString: () => `signalbox ${rate}`,
  };
}

/** Gives the ids that are asked for, once; random ones otherwise. */
export class GivenIds implements IdGenerator {
  readonly #random = new RandomIdGenerator();
  #trace: string | undefined;
  #span: string | undefined;

  /** Makes one span with these ids. */
  during<T>(ids: { readonly traceId: string; readonly spanId: string }, make: () => T): T {
    this.#trace = ids.traceId;
    this.#span = ids.spanId;
    try {
      return make();
    } finally {
      this.#trace = undefined;
      this.#span = undefined;
    }
  }

  generateTraceId(): string {
    return this.#trace ?? this.#random.generateTraceId();
  }

  generateSpanId(): string {
    return this.#span ?? this.#random.generateSpanId();
  }
}

/** A span whose place in its trace is known beforehand. Times in milliseconds since the epoch. */
export interface PlannedSpan {
  readonly traceId: string;
  readonly spanId: string;
  readonly parentId: string | undefined;
  readonly name: string;
  readonly kind: SpanKind;
  readonly startedAt: number;
  readonly attributes: Attributes;
  readonly links?: readonly Link[];
}

/** Starts a span that is recorded, whatever the rate says: whoever calls has decided. */
export function startPlanned(tracer: Tracer, ids: GivenIds, span: PlannedSpan): Span {
  const { traceId, spanId, parentId, name, kind, startedAt, attributes, links = [] } = span;
  const kept = ROOT_CONTEXT.setValue(keptKey, true);
  const context = parentId === undefined ? kept : under(kept, traceId, parentId);
  const options = { kind, startTime: startedAt, attributes, links: [...links] };
  return ids.during({ traceId, spanId }, () => tracer.startSpan(name, options, context));
}

function under(context: Context, traceId: string, spanId: string): Context {
  return trace.setSpanContext(context, { traceId, spanId, traceFlags: TraceFlags.SAMPLED, isRemote: true });
}
