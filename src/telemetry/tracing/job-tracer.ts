import {
  type Context,
  type Link,
  ROOT_CONTEXT,
  type Span,
  SpanKind,
  SpanStatusCode,
  TraceFlags,
  trace,
} from '@opentelemetry/api';
import type { AttemptInfo, EngineHooks, SentJob } from '../../engine/hooks.js';
import type { JobError, JobReason } from '../../engine/job.js';
import type { Middleware, TaskContext } from '../../engine/task.js';
import { jobSpanId, traceIdOf } from '../../foundation/job-trace.js';
import { TokenBucket } from '../../foundation/token-bucket.js';
import { traceFieldsOf } from '../../foundation/trace-parent.js';
import { isJobSampled } from './sampling.js';
import type { PlannedSpan } from './span-maker.js';

export interface JobTracerOptions {
  readonly rate: number;
  readonly start: (span: PlannedSpan) => Span;
  /** Whether anybody gets the spans that can be read from the events of a job as well. */
  readonly sends: boolean;
  /** Attempts, failures and sends that are told each second at most: what a busy worker ends would cost more than its work. */
  readonly perSecond: number;
  /** One was not told for it. */
  readonly limited: () => void;
  /** Runs `work` with the context active. */
  readonly within: <T>(context: Context, work: () => T) => T;
  /** The active span sent a job whose trace is recorded. */
  readonly sent: () => void;
  /** The context in which spans belong to a job. */
  readonly ofJob: (context: Context, jobId: string) => Context;
}

type Thrown = Pick<JobError, 'type' | 'message'>;
type Outcome = Parameters<NonNullable<EngineHooks['attemptEnded']>>[1];

/**
 * The spans of jobs: `send`, `queued` and `process`. A job that is not sampled costs a look at its id; when it fails,
 * its attempt is told all the same.
 */
export class JobTracer implements EngineHooks {
  readonly #options: JobTracerOptions;
  /** By attempt, each of which ends with one of two calls; `null` until its handler is called. */
  readonly #open = new Map<object, Span | null>();
  readonly #attempts: TokenBucket;
  readonly #failures: TokenBucket;
  readonly #sends: TokenBucket;

  constructor(options: JobTracerOptions) {
    this.#options = options;
    const { perSecond } = options;
    this.#attempts = new TokenBucket(perSecond, perSecond);
    this.#failures = new TokenBucket(perSecond, perSecond);
    this.#sends = new TokenBucket(perSecond, perSecond);
  }

  readonly middleware: Middleware = Object.assign(
    (context: TaskContext, next: () => Promise<unknown>): Promise<unknown> => {
      const { job } = context;
      const { within, ofJob } = this.#options;
      const span = this.#startProcess(job, Date.now());
      this.#open.set(job, span);
      return within(ofJob(trace.setSpan(ROOT_CONTEXT, span), job.id), next);
    },
    {
      wants: (job: TaskContext['job']) => this.#open.has(job),
    },
  );

  jobsAccepted(
    task: { readonly name: string; readonly queue: string },
    count: number,
    jobs: readonly SentJob[],
  ): void {
    for (const job of jobs) {
      if (job.duplicate || !isJobSampled(job, this.#options.rate)) continue;
      this.#options.sent();
      if (!this.#options.sends || !this.#hasRoom(this.#sends)) continue;
      const now = Date.now();
      const attributes = {
        'messaging.system': 'signalbox',
        'messaging.operation.name': 'send',
        'messaging.operation.type': 'send',
        'messaging.destination.name': task.queue,
        'messaging.message.id': job.id,
        'signalbox.task': task.name,
        ...(count > 1 ? { 'messaging.batch.message_count': count } : {}),
      };
      this.#options
        .start({
          traceId: traceIdOf(job),
          spanId: jobSpanId(job.id, 'send', 0),
          parentId: traceFieldsOf(job.traceParent)?.span_id,
          name: `send ${task.queue}`,
          kind: SpanKind.PRODUCER,
          startedAt: now,
          attributes,
        })
        .end(now);
    }
  }

  attemptStarted(job: AttemptInfo, waitMs: number): void {
    if (!isJobSampled(job, this.#options.rate) || !this.#hasRoom(this.#attempts)) return;
    this.#open.set(job, null);
    if (!this.#options.sends) return;
    const now = Date.now();
    this.#options
      .start({
        traceId: traceIdOf(job),
        spanId: jobSpanId(job.id, 'queued', job.attempt),
        parentId: jobSpanId(job.id, 'send', 0),
        name: `queued ${job.queue}`,
        kind: SpanKind.INTERNAL,
        startedAt: now - waitMs,
        attributes: attributesOf(job, 'queued', undefined),
      })
      .end(now);
  }

  attemptEnded(
    job: AttemptInfo,
    outcome: Outcome,
    ms: number,
    reason: JobReason | null,
    error: Thrown | null,
  ): void {
    const failed = outcome === 'failed' || outcome === 'retrying';
    const span = this.#taken(job, ms, failed);
    if (span === undefined) return;
    span.setAttribute('signalbox.outcome', outcome);
    if (reason !== null) span.setAttribute('signalbox.reason', reason);
    if (failed) this.#fail(span, error, reason ?? outcome);
    span.end();
  }

  outcomeLate(job: AttemptInfo): void {
    const span = this.#taken(job, 0, true);
    if (span === undefined) return;
    this.#fail(span, null, 'outcome_late');
    span.end();
  }

  /** The span of an attempt that has ended, if it is to be told. */
  #taken(job: AttemptInfo, ms: number, failed: boolean): Span | undefined {
    const open = this.#open.get(job);
    if (open === undefined && !(failed && this.#hasRoom(this.#failures))) return undefined;
    this.#open.delete(job);
    return open ?? this.#startProcess(job, Date.now() - ms);
  }

  /** Whether there is still a span to be had in this second. */
  #hasRoom(bucket: TokenBucket): boolean {
    const room = bucket.take(performance.now());
    if (!room) this.#options.limited();
    return room;
  }

  #fail(span: Span, error: Thrown | null, reason: string): void {
    if (error !== null) span.recordException({ name: error.type, message: error.message });
    span.setAttribute('error.type', error?.type ?? reason);
    span.setStatus({ code: SpanStatusCode.ERROR, message: (error?.message ?? reason).slice(0, 500) });
  }

  #startProcess(job: AttemptInfo, startedAt: number): Span {
    const traceId = traceIdOf(job);
    return this.#options.start({
      traceId,
      spanId: jobSpanId(job.id, 'process', job.attempt),
      parentId: jobSpanId(job.id, 'send', 0),
      name: `process ${job.queue}`,
      kind: SpanKind.CONSUMER,
      startedAt,
      attributes: attributesOf(job, 'process', 'process'),
      links: job.attempt > 1 ? [linkTo(traceId, jobSpanId(job.id, 'process', job.attempt - 1))] : [],
    });
  }
}

/** Of one attempt to the one before. */
function linkTo(traceId: string, spanId: string): Link {
  return { context: { traceId, spanId, traceFlags: TraceFlags.SAMPLED, isRemote: true } };
}

function attributesOf(job: AttemptInfo, operation: string, type: string | undefined) {
  return {
    'messaging.system': 'signalbox',
    'messaging.operation.name': operation,
    ...(type === undefined ? {} : { 'messaging.operation.type': type }),
    'messaging.destination.name': job.queue,
    'messaging.message.id': job.id,
    'messaging.client.id': job.workerId,
    'signalbox.task': job.task,
    'signalbox.attempt': job.attempt,
  };
}
