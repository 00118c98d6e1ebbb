import { defineSection } from '../config/section.js';
import { duration, integer, list } from '../config/setting.js';

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
  },
});
