import { findingCodes } from '../../../engine/findings/findings.js';
import { jobStatuses } from '../../../engine/job.js';
import { counter, gauge, names, words } from '../declaration.js';

const writer = 'src/telemetry/metrics/cluster';
const queue = names('queues that ever had a task', 1_000);
const task = names('tasks that ever had a queue', 2_000);
const worker = names('workers with a row in the database, which ends with their lease', 2_000);
const schedule = names('schedules', 1_000);
const common = { unit: null, writer, scope: 'cluster' } as const;

/** Of the whole system, read from the database: every process tells the same, so take `max by (…)` and never `sum`. */
export const clusterMetrics = Object.freeze({
  queueJobs: gauge({
    ...common,
    name: 'signalbox_queue_jobs',
    help: 'Jobs of a queue by state; 0 is told too. Ended ones as long as they are kept.',
    labels: { queue, state: words(...jobStatuses) },
  }),
  unserved: gauge({
    ...common,
    name: 'signalbox_queue_unserved_jobs',
    help: 'Queued jobs of tasks that no live worker takes from this queue.',
    labels: { queue },
  }),
  waitingAge: gauge({
    ...common,
    name: 'signalbox_queue_oldest_waiting_age_seconds',
    help: 'How long the oldest job has been ready and not started; 0 when none waits. Jobs that wait for a slot of their key are left out.',
    unit: 'seconds',
    labels: { queue },
  }),
  runningAge: gauge({
    ...common,
    name: 'signalbox_queue_oldest_running_age_seconds',
    help: 'How long the oldest attempt that runs has been running; 0 when none does.',
    unit: 'seconds',
    labels: { queue },
  }),
  overrun: gauge({
    ...common,
    name: 'signalbox_queue_overrun_seconds',
    help: 'By how much the attempt that is furthest over its time-out is over it; 0 when none is.',
    unit: 'seconds',
    labels: { queue },
  }),
  findings: gauge({
    ...common,
    name: 'signalbox_work_findings',
    help: 'Always 1, for each finding of accepted work that nobody does; absent when there is none. queue and schedule are empty where it is about neither.',
    labels: { code: words(...findingCodes), queue, schedule },
  }),
  queuePaused: gauge({
    ...common,
    name: 'signalbox_queue_paused',
    help: '1 while nothing of the queue is started because somebody paused it, otherwise 0.',
    labels: { queue },
  }),
  queueLimit: gauge({
    ...common,
    name: 'signalbox_queue_concurrency_limit',
    help: 'Attempts of the queue that may run at once, over all workers. Absent without a limit.',
    labels: { queue },
  }),
  taskPaused: gauge({
    ...common,
    name: 'signalbox_task_paused',
    help: '1 while nothing of the task is started because somebody paused it, otherwise 0.',
    labels: { task },
  }),
  taskLimit: gauge({
    ...common,
    name: 'signalbox_task_concurrency_limit',
    help: 'Attempts of the task that may run at once, over all workers. Absent without a limit.',
    labels: { task },
  }),
  workers: gauge({
    ...common,
    name: 'signalbox_workers',
    help: 'Live workers that take jobs of a queue: they serve it and know a task of it. Those about to stop are not among them.',
    labels: { queue },
  }),
  workerInfo: gauge({
    ...common,
    name: 'signalbox_worker_info',
    help: 'Always 1, for each worker that holds a lease or held one a moment ago.',
    labels: {
      worker,
      hostname: names('the hosts of these workers', 2_000),
      status: words('running', 'draining'),
    },
  }),
  heartbeat: gauge({
    ...common,
    name: 'signalbox_worker_last_heartbeat_timestamp_seconds',
    help: 'When a worker last renewed its lease, by the clock of the database. Absent once its jobs were taken away.',
    unit: 'seconds',
    labels: { worker },
  }),
  slots: gauge({
    ...common,
    name: 'signalbox_worker_slots',
    help: 'Jobs that a live worker may run at once: busy, and free.',
    labels: { worker, state: words('busy', 'free') },
  }),
  scheduleNext: gauge({
    ...common,
    name: 'signalbox_schedule_next_run_timestamp_seconds',
    help: 'The next slot of a schedule, in the past while it is overdue. Absent for one that rests.',
    unit: 'seconds',
    labels: { schedule },
  }),
  scheduleSuccess: gauge({
    ...common,
    name: 'signalbox_schedule_last_success_timestamp_seconds',
    help: 'When a job of the schedule last succeeded. Absent when none did, or none of its last hundred is kept any more.',
    unit: 'seconds',
    labels: { schedule },
  }),
  scheduleFailures: gauge({
    ...common,
    name: 'signalbox_schedule_failures',
    help: 'Failed tries to enqueue the job of a schedule since the last one that worked.',
    labels: { schedule },
  }),
  leader: gauge({
    ...common,
    name: 'signalbox_leader',
    help: '1 while some process does the housekeeping, otherwise 0.',
    labels: {},
  }),
  age: gauge({
    ...common,
    name: 'signalbox_cluster_age_seconds',
    help: 'How old the cluster-wide values of this process are; +Inf before the first reading. It grows while the database does not answer.',
    unit: 'seconds',
    labels: {},
    scope: 'process',
  }),
  reads: counter({
    ...common,
    name: 'signalbox_cluster_reads_total',
    help: 'Readings of the cluster-wide values, by what came of them.',
    labels: { result: words('succeeded', 'failed') },
    scope: 'process',
  }),
});
