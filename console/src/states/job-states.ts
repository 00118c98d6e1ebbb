import type { JobStatus } from '../api/types.js';
import type { IconName } from '../display/icon.js';

export interface StateLook {
  readonly label: string;
  readonly icon: IconName;
  /** One sentence for whoever does not know the word. */
  readonly meaning: string;
  /** Sets the text colour; a tint of it is `bg-current/10`. */
  readonly className: string;
}

/** In the order in which a job passes through them. */
export const jobStates: Readonly<Record<JobStatus, StateLook>> = {
  scheduled: {
    label: 'Scheduled',
    icon: 'clock',
    meaning: 'Starts at a later time.',
    className: 'text-state-scheduled',
  },
  blocked: {
    label: 'Blocked',
    icon: 'link',
    meaning: 'Waits for other jobs to finish.',
    className: 'text-state-blocked',
  },
  queued: {
    label: 'Queued',
    icon: 'stack',
    meaning: 'Waits for a free worker.',
    className: 'text-state-queued',
  },
  processing: {
    label: 'Processing',
    icon: 'ring',
    meaning: 'A worker runs it now.',
    className: 'text-state-processing',
  },
  retrying: {
    label: 'Retrying',
    icon: 'retry',
    meaning: 'An attempt failed; the next one starts by itself.',
    className: 'text-state-retrying',
  },
  succeeded: {
    label: 'Succeeded',
    icon: 'check',
    meaning: 'Done.',
    className: 'text-state-succeeded',
  },
  failed: {
    label: 'Failed',
    icon: 'cross',
    meaning: 'Given up. Stays here until someone retries it.',
    className: 'text-state-failed',
  },
  cancelled: {
    label: 'Cancelled',
    icon: 'slash',
    meaning: 'Stopped by a person or a program.',
    className: 'text-state-cancelled',
  },
};

export const jobStatuses = Object.keys(jobStates) as JobStatus[];

export const isJobStatus = (value: unknown): value is JobStatus =>
  typeof value === 'string' && Object.hasOwn(jobStates, value);

export const isFinal = (status: JobStatus): boolean =>
  status === 'succeeded' || status === 'failed' || status === 'cancelled';
