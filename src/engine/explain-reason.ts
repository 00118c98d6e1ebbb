export type ExplainCode =
  | 'succeeded'
  | 'failed'
  | 'cancelled'
  | 'running'
  | 'cancelling'
  | 'worker_lost'
  | 'scheduled'
  | 'snoozed'
  | 'retry_wait'
  | 'blocked'
  | 'paused'
  | 'no_worker'
  | 'no_worker_for_queue'
  | 'no_worker_for_task'
  | 'workers_draining'
  | 'limit_reached'
  | 'rate_limited'
  | 'slots_busy'
  | 'next'
  | 'expires'
  | 'deadline';

/** One true cause, and what to do about it; `remedy` is null when nothing needs doing. */
export interface ExplainReason {
  readonly code: ExplainCode;
  readonly message: string;
  readonly remedy: string | null;
}

export function reason(code: ExplainCode, message: string, remedy: string | null = null): ExplainReason {
  return Object.freeze({ code, message, remedy });
}

export function count(n: number, noun: string): string {
  return `${n} ${noun}${n === 1 ? '' : 's'}`;
}
