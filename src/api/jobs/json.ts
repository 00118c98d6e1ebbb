import type { Explanation } from '../../engine/explain/explain.js';
import type { Job, JobEvent, JobLogLine } from '../../engine/job.js';
import type { JobTrace } from '../../telemetry/tracing/job-trace.js';
import type { JobEventJson, JobJson, JobSummaryJson } from './schemas.js';

export function jobSummaryJson(job: Job, now: number): JobSummaryJson {
  const self = `/jobs/${job.id}`;
  return {
    id: job.id,
    task: job.task,
    queue: job.queue,
    status: job.status,
    reason: job.reason,
    priority: job.priority,
    // Its stack stays inside: it names files of the server.
    error: job.error && {
      type: job.error.type,
      message: job.error.message,
      retryable: job.error.retryable,
      attempt: job.error.attempt,
    },
    progress: job.progress && { fraction: job.progress.fraction, message: job.progress.message },
    attempt: job.attempt,
    failures: job.failures,
    max_attempts: job.maxAttempts,
    crashes: job.crashes,
    timeout_ms: job.timeoutMs,
    owner: job.owner,
    tags: [...job.tags],
    run_at: job.runAt.toISOString(),
    created_at: job.createdAt.toISOString(),
    updated_at: job.updatedAt.toISOString(),
    started_at: job.startedAt?.toISOString() ?? null,
    finished_at: job.finishedAt?.toISOString() ?? null,
    duration_ms: durationMs(job, now),
    cancel_requested_at: job.cancelRequestedAt?.toISOString() ?? null,
    worker_id: job.workerId,
    links: { self, events: `${self}/events`, explain: `${self}/explain`, logs: `${self}/logs` },
  };
}

/** `extra` is what the owning workload adds; it cannot change what the platform says. */
export function jobJson(job: Job, now: number, extra: Readonly<Record<string, unknown>> = {}): JobJson {
  return { ...extra, ...jobSummaryJson(job, now), input: job.input ?? null, result: job.result ?? null };
}

/**
 * A running attempt counts until now: the database's clock started it and ours reads it, so a clock that is
 * behind must not make it negative. An attempt that ended without ending the job has no end of its own.
 */
function durationMs(job: Job, now: number): number | null {
  if (job.startedAt === null) return null;
  const end = job.finishedAt?.getTime() ?? (job.status === 'processing' ? now : job.updatedAt.getTime());
  return Math.max(0, Math.round(end - job.startedAt.getTime()));
}

export function eventJson(event: JobEvent): JobEventJson {
  return {
    job_id: event.jobId,
    seq: event.seq,
    at: event.at.toISOString(),
    type: event.type,
    attempt: event.attempt,
    data: { ...event.data },
  };
}

export function logLineJson(line: JobLogLine) {
  return {
    seq: line.seq,
    at: line.at.toISOString(),
    attempt: line.attempt,
    level: line.level,
    message: line.message,
    data: line.data && { ...line.data },
  };
}

export function explanationJson(explanation: Explanation) {
  const { jobId, status, summary, reasons, estimatedStart } = explanation;
  return {
    job_id: jobId,
    status,
    summary,
    reasons: reasons.map(({ code, message, remedy, details }) => ({
      code,
      message,
      remedy,
      details: detailsJson(details),
    })),
    estimated_start: estimatedStart && { ...estimatedStart, at: estimatedStart.at.toISOString() },
  };
}

function detailsJson(details: object): Record<string, unknown> {
  return Object.fromEntries(
    Object.entries(details).map(([name, value]) => [
      name.replaceAll(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`),
      value instanceof Date ? value.toISOString() : value,
    ]),
  );
}

export function jobTraceJson({ traceId, spans, truncated }: JobTrace) {
  return {
    trace_id: traceId,
    spans: spans.map((span) => ({
      span_id: span.spanId,
      parent_id: span.parentId,
      source: span.source,
      name: span.name,
      kind: span.kind,
      started_at: span.startedAt.toISOString(),
      duration_ms: span.durationMs,
      error: span.error,
      attributes: span.attributes,
    })),
    truncated,
  };
}
