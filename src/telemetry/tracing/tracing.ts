import {
  type Context,
  context as contexts,
  createContextKey,
  propagation,
  ROOT_CONTEXT,
  type Span,
  type Tracer,
  trace,
} from '@opentelemetry/api';
import { AsyncLocalStorageContextManager } from '@opentelemetry/context-async-hooks';
import { ExportResultCode, W3CTraceContextPropagator } from '@opentelemetry/core';
import { OTLPTraceExporter } from '@opentelemetry/exporter-trace-otlp-http';
import { UndiciInstrumentation } from '@opentelemetry/instrumentation-undici';
import { resourceFromAttributes } from '@opentelemetry/resources';
import { BasicTracerProvider, type ReadableSpan, type SpanProcessor } from '@opentelemetry/sdk-trace-base';
import type { Queryable } from '../../database/queryable.js';
import type { EngineHooks } from '../../engine/hooks.js';
import type { Middleware } from '../../engine/task.js';
import type { Logger } from '../../foundation/logger.js';
import type { Service } from '../../foundation/service.js';
import type { MetricRegistry } from '../metrics/registry.js';
import { spanMetrics } from './declarations.js';
import { JobTracer } from './job-tracer.js';
import { SpanBuffer } from './span-buffer.js';
import { GivenIds, type PlannedSpan, samplerOf, startPlanned } from './span-maker.js';
import { traceStatements } from './statement-tracer.js';
import { type KeptSpan, keptSpanOf } from './store/kept-span.js';
import { saveSpans } from './store/store.js';
import type { CollectorTarget } from './target.js';

export interface TracingOptions {
  /** Share of the traces that begin here and are recorded, 0 to 1. */
  readonly rate: number;
  /** Of attempts, of failures and of jobs sent, each. */
  readonly perSecond: number;
  readonly collector: CollectorTarget | undefined;
  /** Where spans of jobs are kept; unset: nowhere. */
  readonly db: Queryable | undefined;
  readonly resource: Readonly<Record<string, string>>;
  /** Addresses that requests go to untraced: those of telemetry itself. */
  readonly untraced?: readonly string[];
  readonly registry: MetricRegistry;
  readonly logger: Logger;
}

const jobKey = createContextKey('signalbox: the job that spans belong to');
const requestMs = 10_000;
/** How long a stop waits for the last spans to arrive. */
const lastMs = 3_000;

/**
 * Records the spans of one process and sends them on. It hears the engine by `hooks` and `middleware`, statements and
 * outgoing requests by Node's diagnostics channels, and patches nothing.
 */
export class Tracing implements Service {
  readonly name = 'tracing';
  readonly hooks: EngineHooks;
  readonly middleware: Middleware;
  readonly rate: number;
  readonly #options: TracingOptions;
  readonly #ids = new GivenIds();
  readonly #manager = new AsyncLocalStorageContextManager();
  readonly #tracer: Tracer;
  readonly #provider: BasicTracerProvider;
  readonly #exporter: OTLPTraceExporter | undefined;
  readonly #outgoing: SpanBuffer<ReadableSpan> | undefined;
  readonly #kept: SpanBuffer<KeptSpan> | undefined;
  /** Spans that sent jobs: they belong to the traces of those. */
  readonly #senders = new WeakSet<object>();
  readonly #jobs = new WeakMap<object, string>();
  #undo: (() => void)[] = [];

  constructor(options: TracingOptions) {
    const { rate, collector, db, logger } = options;
    this.#options = options;
    this.rate = rate;
    this.#exporter =
      collector &&
      new OTLPTraceExporter({ url: collector.url, headers: collector.headers, timeoutMillis: requestMs });
    const spans = options.registry.counter(spanMetrics.spans);
    const bufferOf = <Item>(
      name: 'collector' | 'database',
      write: (items: readonly Item[]) => Promise<void>,
    ) =>
      new SpanBuffer<Item>({
        name,
        write,
        logger,
        count: (result, items) => spans.with({ sink: name, result }).inc(items),
      });
    this.#outgoing = this.#exporter && bufferOf('collector', (items) => this.#export(items));
    // Outside every context: storing spans is not to make spans.
    this.#kept =
      db && bufferOf('database', (items) => this.#manager.with(ROOT_CONTEXT, () => saveSpans(db, items)));
    this.#provider = new BasicTracerProvider({
      sampler: samplerOf(rate),
      idGenerator: this.#ids,
      resource: resourceFromAttributes(options.resource),
      spanLimits: {
        attributeValueLengthLimit: 1_000,
        attributeCountLimit: 64,
        eventCountLimit: 16,
        linkCountLimit: 16,
      },
      spanProcessors: [this.#processor()],
    });
    this.#tracer = this.#provider.getTracer('signalbox');
    const limited = options.registry.counter(spanMetrics.limited).with({});
    const jobs = new JobTracer({
      rate,
      perSecond: options.perSecond,
      limited: () => limited.inc(),
      sends: collector !== undefined,
      start: (span) => this.startPlanned(span),
      within: (context, work) => this.within(context, work),
      sent: () => {
        const span = trace.getSpan(this.#manager.active());
        if (span !== undefined) this.#senders.add(span);
      },
      ofJob: (context, jobId) => context.setValue(jobKey, jobId),
    });
    this.hooks = jobs;
    this.middleware = jobs.middleware;
  }

  async start(): Promise<void> {
    this.#manager.enable();
    const untraced = new Set((this.#options.untraced ?? []).map((url) => new URL(url).origin));
    const outgoing = new UndiciInstrumentation({
      requireParentforSpans: true,
      ignoreRequestHook: ({ origin }) => untraced.has(origin),
    });
    outgoing.setTracerProvider(this.#provider);
    this.#undo = [traceStatements(this.#tracer, () => this.#manager.active()), () => outgoing.disable()];
    // For the spans of handlers, and for requests to others. Whoever brought a set-up of their own keeps it.
    if (contexts.setGlobalContextManager(this.#manager)) this.#undo.push(() => contexts.disable());
    if (trace.setGlobalTracerProvider(this.#provider)) this.#undo.push(() => trace.disable());
    if (propagation.setGlobalPropagator(new W3CTraceContextPropagator()))
      this.#undo.push(() => propagation.disable());
  }

  /** Sends what is held, once. */
  async stop(): Promise<void> {
    for (const undo of this.#undo.splice(0)) undo();
    await Promise.all([this.#kept?.stop(lastMs), this.#outgoing?.stop(lastMs)]);
    this.#manager.disable();
  }

  /** Starts a span whose place is known, recorded whatever the rate says. */
  startPlanned(span: PlannedSpan): Span {
    return startPlanned(this.#tracer, this.#ids, span);
  }

  within<T>(context: Context, work: () => T): T {
    return this.#manager.with(context, work);
  }

  /** The W3C `traceparent` of what is under way, for a job that it sends. */
  traceParent(): string | undefined {
    const context = this.#manager.active();
    const span = trace.getSpan(context);
    return span && traceParentOf(span);
  }

  #processor(): SpanProcessor {
    return {
      onStart: (span, parent) => {
        const jobId = parent.getValue(jobKey);
        if (typeof jobId === 'string') this.#jobs.set(span, jobId);
      },
      onEnd: (span) => {
        this.#outgoing?.add(span);
        const jobId = this.#jobs.get(span);
        if (jobId !== undefined || this.#senders.has(span)) this.#kept?.add(keptSpanOf(span, jobId ?? null));
      },
      forceFlush: async () => undefined,
      shutdown: async () => undefined,
    };
  }

  #export(spans: readonly ReadableSpan[]): Promise<void> {
    return new Promise((resolve, reject) => {
      this.#exporter?.export([...spans], ({ code, error }) => {
        if (code === ExportResultCode.SUCCESS) resolve();
        else reject(error ?? new Error('the collector did not take the spans'));
      });
    });
  }
}

export function traceParentOf(span: Span): string {
  const { traceId, spanId, traceFlags } = span.spanContext();
  return `00-${traceId}-${spanId}-${traceFlags.toString(16).padStart(2, '0')}`;
}
