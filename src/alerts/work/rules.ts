import type { GateKind } from '../../engine/sql/gates.js';
import { formatDuration } from '../../foundation/time.js';
import type { AlertRule } from '../rule.js';
import type { WorkFacts } from './facts.js';
import { findingRules } from './finding-rules.js';

type WorkRule = AlertRule<WorkFacts>;

const pausedMs = 3_600_000;

const pausedLong: WorkRule = {
  name: 'PausedLong',
  severity: 'info',
  forMs: 0,
  help: 'A queue or task has been paused for an hour.',
  remedy: 'Resume it, or acknowledge this if it is meant to rest.',
  prometheus: {
    expr: 'max by (queue) (signalbox_queue_paused) == 1 or max by (task) (signalbox_task_paused) == 1',
    forMs: pausedMs,
  },
  page: '/',
  observe: ({ gates, at }) =>
    gates.flatMap(({ kind, name, pausedAt }) => {
      const ms = pausedAt === null ? 0 : at.getTime() - pausedAt.getTime();
      if (ms < pausedMs) return [];
      const summary = `${kind === 'queue' ? 'Queue' : 'Task'} "${name}" has been paused for ${formatDuration(ms)}.`;
      return [{ labels: { [kind]: name }, value: ms / 1_000, summary }];
    }),
};

const unservedCodes = ['no_live_worker', 'no_worker_for_task'];

/** Queues that work, as far as anybody can tell: of the others another rule says what is wrong. */
function servedQueues({ queues, gates, findings }: WorkFacts): WorkFacts['queues'] {
  const paused = (kind: GateKind, name: string) =>
    gates.some((gate) => gate.kind === kind && gate.name === name && gate.pausedAt !== null);
  const unserved = findings.filter(({ code }) => unservedCodes.includes(code)).map(({ queue }) => queue);
  return queues.filter(({ queue }) => !(paused('queue', queue) || unserved.includes(queue)));
}

const served = `unless max by (queue) (signalbox_queue_paused) == 1 unless max by (queue) (signalbox_work_findings{code=~"${unservedCodes.join('|')}"}) == 1`;

const mostQueued = 50;

const queueDeep: WorkRule = {
  name: 'QueueDeep',
  severity: 'warning',
  forMs: 300_000,
  help: `Over ${mostQueued} jobs have been waiting in a queue for five minutes.`,
  remedy: 'Start more workers, raise their concurrency, or look with explain at what the jobs wait for.',
  prometheus: { expr: `max by (queue) (signalbox_queue_jobs{state="queued"}) > ${mostQueued} ${served}` },
  page: '/',
  observe: (facts) =>
    servedQueues(facts)
      .filter(({ jobs }) => jobs.queued > mostQueued)
      .map(({ queue, jobs }) => ({
        labels: { queue },
        value: jobs.queued,
        summary: `${jobs.queued} jobs are waiting in queue "${queue}".`,
      })),
};

function waitRule(name: string, severity: 'warning' | 'critical', mostMs: number): WorkRule {
  return {
    name,
    severity,
    forMs: 60_000,
    help: `The oldest job of a queue has been ready for over ${formatDuration(mostMs)} and not started.`,
    remedy: 'Ask what it waits for: signalbox jobs explain; start more workers if it is for a slot.',
    prometheus: {
      expr: `max by (queue) (signalbox_queue_oldest_waiting_age_seconds) > ${mostMs / 1_000} ${served}`,
    },
    page: '/',
    observe: (facts) =>
      servedQueues(facts).flatMap(({ queue, waitingMs }) =>
        waitingMs === null || waitingMs <= mostMs
          ? []
          : [
              {
                labels: { queue },
                value: waitingMs / 1_000,
                summary: `The oldest job of queue "${queue}" has been waiting for ${formatDuration(waitingMs)}.`,
              },
            ],
      ),
  };
}

/** About work in general; those of a workload stand with it. */
export const workRules: readonly WorkRule[] = Object.freeze([
  ...findingRules,
  pausedLong,
  queueDeep,
  waitRule('JobsWaitLong', 'warning', 300_000),
  waitRule('JobsWaitVeryLong', 'critical', 1_800_000),
]);
