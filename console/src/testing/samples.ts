import type { Alert, Finding, Job, JobSummary, Overview, Worker } from '../api/types.js';

export const at = '2026-11-20T12:00:00.000Z';

export function sampleJob(changes: Partial<Job> = {}): Job {
  const self = '/jobs/0199a1b2-7c3e-7000-9d21-0a1b2c3d4e5f';
  return {
    id: '0199a1b2-7c3e-7000-9d21-0a1b2c3d4e5f',
    task: 'images.enhance',
    queue: 'images',
    status: 'queued',
    reason: null,
    priority: 50,
    input: { prompt: 'warm' },
    result: null,
    error: null,
    progress: null,
    attempt: 0,
    failures: 0,
    max_attempts: 5,
    crashes: 0,
    timeout_ms: 300_000,
    owner: null,
    tags: [],
    run_at: at,
    created_at: '2026-11-20T11:59:50.000Z',
    updated_at: at,
    started_at: null,
    finished_at: null,
    duration_ms: null,
    cancel_requested_at: null,
    worker_id: null,
    links: { self, events: `${self}/events`, explain: `${self}/explain`, logs: `${self}/logs` },
    ...changes,
  };
}

export const sampleError = {
  type: 'sandbox_unreachable',
  message: 'It did not answer.\n  at connect (sandbox.ts:88)',
  retryable: true,
  attempt: 5,
};

export const failedJob = (changes: Partial<Job> = {}): Job =>
  sampleJob({ status: 'failed', attempt: 5, failures: 5, error: sampleError, ...changes });

export function sampleWorker(changes: Partial<Worker> = {}): Worker {
  return {
    id: 'worker-1',
    hostname: 'alpha',
    pid: 41,
    queues: null,
    tasks: ['images.enhance'],
    concurrency: 8,
    running: 2,
    status: 'running',
    live: true,
    started_at: at,
    heartbeat_at: at,
    heartbeat_age_ms: 1_500,
    ...changes,
  };
}

export const sampleFinding: Finding = {
  code: 'no_live_worker',
  queue: 'images',
  tasks: ['images.enhance'],
  schedule: null,
  waiting: 3,
  since: '2026-11-20T11:57:46.000Z',
  oldest_waiting_ms: 134_000,
  message: '3 jobs are waiting in queue "images".',
  remedy: 'signalbox start --worker --queues images',
};

export const sampleAlert: Alert = {
  id: '0198c0de-0000-7000-8000-00000000a1e7',
  rule: 'ScheduleMissed',
  labels: { schedule: 'nightly' },
  severity: 'warning',
  state: 'firing',
  value: 240,
  summary: 'Schedule "nightly" should have fired 4 m ago.',
  remedy: 'Its last error says why.',
  page: '/',
  since: at,
  seen_at: at,
  fired_at: at,
  resolved_at: null,
  acknowledged_at: null,
  acknowledged_by: null,
};

export const noCounts = {
  scheduled: 0,
  blocked: 0,
  queued: 0,
  processing: 0,
  retrying: 0,
  succeeded: 0,
  failed: 0,
  cancelled: 0,
};

export function sampleOverview(changes: Partial<Overview> = {}): Overview {
  const jobs: JobSummary[] = [sampleJob()];
  return {
    at,
    counts: { ...noCounts, queued: 1, processing: 2, succeeded: 18_432 },
    recent_jobs: jobs,
    workers: [sampleWorker()],
    findings: [],
    alerts: { evaluated_at: at, age_ms: 1_000, firing: [] },
    ...changes,
  };
}
