import type { Worker } from '../api/types.js';
import type { StateLook } from './job-states.js';

export type WorkerState = 'live' | 'draining' | 'dead';

export const workerStates: Readonly<Record<WorkerState, StateLook>> = {
  live: {
    label: 'Live',
    icon: 'pulse',
    meaning: 'Its heartbeat is on time; it takes jobs.',
    className: 'text-state-live',
  },
  draining: {
    label: 'Draining',
    icon: 'drain',
    meaning: 'It finishes its jobs and takes no new ones.',
    className: 'text-state-draining',
  },
  dead: {
    label: 'Dead',
    icon: 'flat',
    meaning: 'Its heartbeat has stopped; its jobs go to other workers.',
    className: 'text-state-dead',
  },
};

export function workerState(worker: Pick<Worker, 'live' | 'status'>): WorkerState {
  if (!worker.live) return 'dead';
  return worker.status === 'draining' ? 'draining' : 'live';
}
