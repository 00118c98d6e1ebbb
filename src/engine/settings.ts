import { defineSection } from '../config/section.js';
import { duration, flag, integer, list } from '../config/setting.js';

const dayMs = 86_400_000;
/** Whoever enqueued a job needs a moment to read what came of it. */
const minKeepMs = 60_000;
const maxKeepMs = 3_650 * dayMs;

export const engineSection = defineSection({
  name: 'engine',
  settings: {
    queues: list({
      env: 'SIGNALBOX_QUEUES',
      help: 'Queues this worker takes jobs from, separated by commas. Unset: all.',
      fallback: [],
      pattern: /^[a-z0-9][a-z0-9_.:-]{0,99}$/i,
    }),
    concurrency: integer({
      env: 'SIGNALBOX_CONCURRENCY',
      help: 'Jobs that this worker runs at once.',
      fallback: 4,
      min: 1,
      max: 1_000,
    }),
    leaseMs: duration({
      env: 'SIGNALBOX_LEASE',
      help: 'How long a worker that stopped renewing keeps its jobs before they are rescued.',
      fallback: 10_000,
      minMs: 1_000,
      maxMs: 12_000,
    }),
    drainTimeoutMs: duration({
      env: 'SIGNALBOX_DRAIN_TIMEOUT',
      help: 'How long a stopping worker lets its jobs finish before it gives them back.',
      fallback: 25_000,
      maxMs: 3_600_000,
    }),
    canary: flag({
      env: 'SIGNALBOX_CANARY',
      help: 'Whether each queue that has a worker is sent a small job of its own now and then, whose answer proves that work is taken.',
      fallback: true,
    }),
    canaryMs: duration({
      env: 'SIGNALBOX_CANARY_INTERVAL',
      help: 'Time between two canaries of a queue.',
      fallback: 60_000,
      minMs: 5_000,
      maxMs: 3_600_000,
    }),
    keepSucceededMs: duration({
      env: 'SIGNALBOX_KEEP_SUCCEEDED',
      help: 'How long jobs that succeeded are kept, with their results and logs.',
      fallback: 7 * dayMs,
      minMs: minKeepMs,
      maxMs: maxKeepMs,
    }),
    keepFailedMs: duration({
      env: 'SIGNALBOX_KEEP_FAILED',
      help: 'How long jobs that failed are kept: until then they can be retried.',
      fallback: 30 * dayMs,
      minMs: minKeepMs,
      maxMs: maxKeepMs,
    }),
    keepCancelledMs: duration({
      env: 'SIGNALBOX_KEEP_CANCELLED',
      help: 'How long jobs that were cancelled are kept.',
      fallback: 7 * dayMs,
      minMs: minKeepMs,
      maxMs: maxKeepMs,
    }),
  },
});
