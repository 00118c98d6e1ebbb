import { counter, gauge, histogram, names, words } from '../declaration.js';

const writer = 'src/telemetry/metrics/engine';
const lane = {
  queue: names('queues that the code declares', 1_000),
  task: names('tasks that the code declares', 2_000),
};

/** Of what this process did. A process that ended takes its counts with it, as with every Prometheus counter. */
export const engineMetrics = Object.freeze({
  enqueued: counter({
    name: 'signalbox_jobs_enqueued_total',
    help: 'Jobs that this process accepted, duplicates not among them. Those of a transaction of the caller are counted before its commit.',
    unit: null,
    labels: lane,
    writer,
    scope: 'process',
  }),
  finished: counter({
    name: 'signalbox_jobs_finished_total',
    help: 'Jobs that ended for good, each once, in the process that ended it: its worker, the leader, or the server that cancelled it while it waited. reason is none for a success.',
    unit: null,
    labels: {
      ...lane,
      outcome: words('succeeded', 'failed', 'cancelled'),
      reason: words(
        'none',
        'permanent_error',
        'attempts_exhausted',
        'crashed',
        'deadline',
        'expired',
        'cancelled',
      ),
    },
    writer,
    scope: 'process',
  }),
  attempts: counter({
    name: 'signalbox_job_attempts_total',
    help: 'Attempts of this process whose outcome is recorded. retrying: it failed and is tried again; released: given back at the stop of a worker.',
    unit: null,
    labels: {
      ...lane,
      result: words('succeeded', 'failed', 'cancelled', 'retrying', 'snoozed', 'rate_limited', 'released'),
    },
    writer,
    scope: 'process',
  }),
  retries: counter({
    name: 'signalbox_job_retries_total',
    help: 'Failed attempts after which the job is tried again, those among them that the leader took from a live worker for their time.',
    unit: null,
    labels: { ...lane, reason: words('error', 'timeout') },
    writer,
    scope: 'process',
  }),
  rescued: counter({
    name: 'signalbox_jobs_rescued_total',
    help: 'Jobs that this process, as the leader, took from dead workers.',
    unit: null,
    labels: lane,
    writer,
    scope: 'process',
  }),
  late: counter({
    name: 'signalbox_outcomes_late_total',
    help: 'Outcomes that came after their attempt had been taken away, and were dropped.',
    unit: null,
    labels: lane,
    writer,
    scope: 'process',
  }),
  wait: histogram({
    name: 'signalbox_job_wait_seconds',
    help: 'From when a job could have been started to its handler. The time before a backoff or a schedule was over is not in it; the time that a limit or a pause held it is.',
    unit: 'seconds',
    labels: lane,
    buckets: [0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 120, 300, 600, 1_800],
    writer,
    scope: 'process',
  }),
  run: histogram({
    name: 'signalbox_job_run_seconds',
    help: 'How long handlers took, whatever came of it.',
    unit: 'seconds',
    labels: lane,
    buckets: [0.01, 0.05, 0.1, 0.5, 1, 2.5, 5, 10, 30, 60, 120, 300, 600, 1_800, 3_600],
    writer,
    scope: 'process',
  }),
  leading: gauge({
    name: 'signalbox_process_leader',
    help: 'Whether this process is the leader. signalbox_leader says whether any is.',
    unit: null,
    labels: {},
    writer,
    scope: 'process',
  }),
});
