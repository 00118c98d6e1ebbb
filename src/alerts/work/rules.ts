import { formatDuration } from '../../foundation/time.js';
import type { AlertRule } from '../rule.js';
import type { WorkFacts } from './facts.js';

type WorkRule = AlertRule<WorkFacts>;

const noLiveWorkers: WorkRule = {
  name: 'NoLiveWorkers',
  severity: 'critical',
  forMs: 15_000,
  help: 'A queue has jobs that could start and no live worker that can run them.',
  page: '/',
  observe: ({ findings }) =>
    findings
      .filter(({ code }) => code === 'no_live_worker')
      .map(({ queue, waiting, message, remedy }) => ({
        labels: { queue },
        value: waiting,
        summary: message,
        remedy: `Start one: ${remedy}`,
      })),
};

const jobsNotRescued: WorkRule = {
  name: 'JobsNotRescued',
  severity: 'critical',
  forMs: 0,
  help: 'Jobs of a dead worker still count as running 15 s after its lease ended.',
  page: '/',
  observe: ({ findings }) =>
    findings
      .filter(({ code }) => code === 'worker_lost')
      .map(({ queue, waiting, message, remedy }) => ({
        labels: { queue },
        value: waiting,
        summary: message,
        remedy: `Start any process of Signalbox, which rescues them: ${remedy}`,
      })),
};

const noLeader: WorkRule = {
  name: 'NoLeader',
  severity: 'critical',
  forMs: 30_000,
  help: 'No process does the housekeeping: rescue, deadlines, schedules.',
  page: '/',
  observe: ({ leaderlessMs }) =>
    leaderlessMs === null
      ? []
      : [
          {
            labels: {},
            value: leaderlessMs / 1_000,
            summary: `No process has done the housekeeping for ${formatDuration(leaderlessMs)}: jobs of dead workers are not rescued, and no schedule fires.`,
            remedy:
              'Look for "housekeeping" in the log of a running process: it says what keeps it from leading.',
          },
        ],
};

const scheduleMissed: WorkRule = {
  name: 'ScheduleMissed',
  severity: 'warning',
  forMs: 90_000,
  help: 'A schedule should have fired and has not.',
  page: '/',
  observe: ({ lateSchedules }) =>
    lateSchedules.map(({ name, lateMs }) => ({
      labels: { schedule: name },
      value: lateMs / 1_000,
      summary: `Schedule "${name}" should have fired ${formatDuration(lateMs)} ago.`,
      remedy: 'Its last error says why: read it with the schedule, or in the log of the leader.',
    })),
};

const pausedMs = 3_600_000;

const pausedLong: WorkRule = {
  name: 'PausedLong',
  severity: 'info',
  forMs: 0,
  help: 'A queue or task has been paused for an hour.',
  page: '/',
  observe: ({ paused }) =>
    paused
      .filter((gate) => gate.pausedMs >= pausedMs)
      .map((gate) => ({
        labels: { kind: gate.kind, name: gate.name },
        value: gate.pausedMs / 1_000,
        summary: `${gate.kind === 'queue' ? 'Queue' : 'Task'} "${gate.name}" has been paused for ${formatDuration(gate.pausedMs)}.`,
        remedy: 'Resume it, or acknowledge this if it is meant to rest.',
      })),
};

/** About work in general; those of a workload stand with it. */
export const workRules: readonly WorkRule[] = Object.freeze([
  noLiveWorkers,
  jobsNotRescued,
  noLeader,
  scheduleMissed,
  pausedLong,
]);
