import { startCommand } from '../explain/workers.js';
import type { AilingJobs, AilingSchedule, Leadership, WaitingLane } from '../sql/findings.js';
import type { FindingCode } from './codes.js';

/** What is wrong, before it is known how long ago it began. */
export interface Ailment {
  readonly code: FindingCode;
  readonly queue?: string;
  readonly tasks?: readonly string[];
  readonly schedule?: string;
  readonly jobs?: number;
  readonly since: Date | null;
  /** `age`: how long it has lasted; `null`: not known. */
  readonly say: (age: string | null) => string;
  readonly remedy: string;
}

/** Lanes that no live worker could serve, a finding for each queue and cause. */
export function unserved(lanes: readonly WaitingLane[]): Ailment[] {
  const dark = lanes.filter(({ able }) => able === 0);
  const unknown = dark.filter(({ withoutTask }) => withoutTask > 0);
  const alone = dark.filter(({ withoutTask }) => withoutTask === 0);
  return [...byQueue(alone).map(noLiveWorker), ...byQueue(unknown).map(noWorkerForTask)];
}

function noLiveWorker(lanes: Lanes): Ailment {
  const { queue, tasks, jobs } = lanes;
  const leaving = lanes.draining
    ? `the workers that could run ${tasks.join(', ')} are shutting down`
    : `no live worker can run ${tasks.join(', ')}`;
  return {
    code: 'no_live_worker',
    ...lanes,
    say: (age) => `${areWaiting(jobs)} in queue "${queue}"${oldest(age)} and ${leaving}.`,
    remedy: startCommand(queue),
  };
}

function noWorkerForTask(lanes: Lanes): Ailment {
  const { queue, tasks, jobs } = lanes;
  return {
    code: 'no_worker_for_task',
    ...lanes,
    say: (age) =>
      `${areWaiting(jobs)} in queue "${queue}"${oldest(age)} and no live worker of it knows ${tasks.join(', ')}.`,
    remedy: 'Deploy the code that defines the task to the workers of this queue.',
  };
}

export function notTaken(lanes: readonly WaitingLane[]): Ailment[] {
  return byQueue(lanes).map((found) => ({
    code: 'not_taken',
    ...found,
    say: (age) =>
      `${areWaiting(found.jobs)} in queue "${found.queue}"${oldest(age)} although live workers have free slots: they do not claim.`,
    remedy:
      'Look for a handler that blocks its process, at the logs of the workers and at their way to the database; restart the workers.',
  }));
}

export function workerLost({ queue, tasks, jobs, since }: AilingJobs): Ailment {
  return {
    code: 'worker_lost',
    ...{ queue, tasks, jobs, since },
    say: () =>
      `${jobs === 1 ? '1 running job' : `${jobs} running jobs`} in queue "${queue}" ${jobs === 1 ? 'belongs' : 'belong'} to a dead worker and nobody has rescued ${jobs === 1 ? 'it' : 'them'}.`,
    remedy: 'signalbox start',
  };
}

export function attemptOverrun({ queue, tasks, jobs, since }: AilingJobs): Ailment {
  return {
    code: 'attempt_overrun',
    ...{ queue, tasks, jobs, since },
    say: (age) =>
      `${jobs === 1 ? '1 attempt' : `${jobs} attempts`} in queue "${queue}" ${jobs === 1 ? 'is' : 'are'} over the time-out${age === null ? '' : ` by up to ${age}`} and nobody ends ${jobs === 1 ? 'it' : 'them'}.`,
    remedy: 'Restart the worker that runs it. If nobody leads: signalbox start',
  };
}

export function jobsNotPromoted({ queue, tasks, jobs, since }: AilingJobs): Ailment {
  const many = jobs >= 1_000 ? '1,000 jobs or more' : jobs === 1 ? '1 job' : `${jobs} jobs`;
  return {
    code: 'not_promoted',
    ...{ queue, tasks, jobs, since },
    say: (age) =>
      `The time of ${many} in queue "${queue}" has come${age === null ? '' : ` (of the first ${age} ago)`} and no process queues ${jobs === 1 ? 'it' : 'them'}.`,
    remedy: 'signalbox start',
  };
}

export function noLeader({ leaseUntil, jobs }: Leadership): Ailment {
  return {
    code: 'no_leader',
    jobs,
    since: leaseUntil,
    say: (age) =>
      `No process does the housekeeping${age === null ? '' : ` (for ${age})`}: nothing is rescued, ended in time or fired by a schedule.`,
    remedy:
      'Look at the logs of the processes that run and at their way to the database; start one: signalbox start',
  };
}

export function canaryUnanswered({ queue, since }: { queue: string; since: Date }): Ailment {
  return {
    code: 'canary_unanswered',
    queue,
    since,
    say: (age) =>
      `Live workers serve queue "${queue}", and none has answered its canary${age === null ? '' : ` for ${age}`}: they do not take work.`,
    remedy:
      'Look for a handler that blocks its process, at the logs of the workers and at their way to the database; restart the workers.',
  };
}

export function scheduleStuck({ name, task, since, failures, error }: AilingSchedule): Ailment {
  const about = { schedule: name, tasks: [task], since };
  if (failures === 0) {
    return {
      code: 'schedule_late',
      ...about,
      say: (age) =>
        `Schedule "${name}" was due${age === null ? '' : ` ${age} ago`} and no process has fired it.`,
      remedy: 'signalbox start',
    };
  }
  return {
    code: 'schedule_failing',
    ...about,
    say: () =>
      `Schedule "${name}" could not enqueue its job, ${failures} times in a row: ${error ?? 'no error is known'}.`,
    remedy: `Correct its task or its input, or pause it.`,
  };
}

/** Lanes of one queue taken together. */
interface Lanes {
  readonly queue: string;
  readonly tasks: readonly string[];
  readonly jobs: number;
  readonly since: Date | null;
  readonly draining: boolean;
}

function byQueue(lanes: readonly WaitingLane[]): Lanes[] {
  return [...new Set(lanes.map(({ queue }) => queue))].map((queue) => {
    const mine = lanes.filter((lane) => lane.queue === queue);
    const times = mine.flatMap(({ since }) => since?.getTime() ?? []);
    return {
      queue,
      tasks: mine.map(({ task }) => task),
      jobs: mine.reduce((sum, { waiting }) => sum + waiting, 0),
      since: times.length === 0 ? null : new Date(Math.min(...times)),
      draining: mine.every(({ draining }) => draining > 0),
    };
  });
}

function areWaiting(jobs: number): string {
  return jobs === 1 ? '1 job is waiting' : `${jobs} jobs are waiting`;
}

function oldest(age: string | null): string {
  return age === null ? '' : ` (the oldest for ${age})`;
}
