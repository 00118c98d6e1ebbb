import type { FindingCode } from '../../engine/findings/findings.js';
import type { AlertRule, Severity } from '../rule.js';
import type { WorkFacts } from './facts.js';

type WorkRule = AlertRule<WorkFacts>;

/** Every finding has its rule, so that whatever the first page would show is told without anybody looking. */
const ofFindings = {
  no_live_worker: [
    'NoLiveWorkers',
    'critical',
    15_000,
    'A queue has jobs that could start and no live worker that can run them.',
    'Start a worker that serves the queue.',
  ],
  no_worker_for_task: [
    'NoWorkerForTask',
    'critical',
    30_000,
    'Jobs wait for a task that no live worker of their queue knows.',
    'Deploy the code that defines the task to the workers of this queue.',
  ],
  not_taken: [
    'WorkNotTaken',
    'critical',
    15_000,
    'Jobs wait although slots are free and nothing forbids them.',
    'Look for a handler that blocks its process, and at the logs of the workers; restart them.',
  ],
  worker_lost: [
    'JobsNotRescued',
    'critical',
    0,
    'Jobs of a dead worker still count as running 15 s after its lease ended.',
    'Start any process of Signalbox, which rescues them.',
  ],
  attempt_overrun: [
    'AttemptOverrun',
    'warning',
    0,
    'An attempt runs on long after its time-out.',
    'Restart the worker that runs it.',
  ],
  not_promoted: [
    'JobsNotPromoted',
    'critical',
    15_000,
    'The time of jobs has come, and no process queues them.',
    'Start any process of Signalbox, which queues them.',
  ],
  no_leader: [
    'NoLeader',
    'critical',
    15_000,
    'No process does the housekeeping (rescue, deadlines, schedules), and there is some to do.',
    'Look at the logs of the processes that run, and at their way to the database; start one.',
  ],
  canary_unanswered: [
    'CanaryUnanswered',
    'critical',
    15_000,
    'Live workers serve a queue, and none of them answers its canary.',
    'Look for a handler that blocks its process, and at the logs of the workers; restart them.',
  ],
  schedule_late: [
    'ScheduleMissed',
    'warning',
    30_000,
    'A schedule should have fired a minute ago and has not.',
    'Start any process of Signalbox, which fires it.',
  ],
  schedule_failing: [
    'ScheduleFailing',
    'warning',
    0,
    'A schedule cannot enqueue its job.',
    'Correct its task or its input, or pause it.',
  ],
} as const satisfies Record<FindingCode, readonly [string, Severity, number, string, string]>;

function ruleOf(code: FindingCode): WorkRule {
  const [name, severity, forMs, help, remedy] = ofFindings[code];
  return Object.freeze({
    ...{ name, severity, forMs, help, remedy },
    prometheus: { expr: `max by (queue, schedule) (signalbox_work_findings{code="${code}"}) > 0` },
    page: '/',
    observe: ({ findings }: WorkFacts) =>
      findings
        .filter((finding) => finding.code === code)
        .map(({ queue, schedule, waiting, message, remedy: better }) => ({
          labels: { ...(queue !== null && { queue }), ...(schedule !== null && { schedule }) },
          value: waiting,
          summary: message,
          remedy: better,
        })),
  });
}

/** One for each finding. */
export const findingRules: readonly WorkRule[] = Object.freeze(
  (Object.keys(ofFindings) as FindingCode[]).map(ruleOf),
);
