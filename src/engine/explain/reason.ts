export const explainCodes = [
  'succeeded',
  'failed',
  'cancelled',
  'running',
  'claimed',
  'overrunning',
  'worker_lost',
  'cancelling',
  'too_late',
  'no_leader',
  'scheduled',
  'snoozed',
  'retry_wait',
  'due',
  'blocked',
  'paused',
  'no_worker',
  'no_worker_for_queue',
  'no_worker_for_task',
  'workers_draining',
  'limit_reached',
  'key_line',
  'rate_limited',
  'slots_busy',
  'suspect',
  'next',
  'expires',
  'deadline',
] as const;
export type ExplainCode = (typeof explainCodes)[number];

/** What is said with each reason, for programs. Times are the database's. */
export interface ReasonDetails {
  succeeded: { readonly attempt: number };
  failed: { readonly cause: FailureCause; readonly attempt: number; readonly errorType: string | null };
  cancelled: Nothing;

  running: Holder & { readonly attempt: number; readonly timesOutAt: Date };
  claimed: Holder & { readonly before: number; readonly slots: number };
  overrunning: { readonly timedOutAt: Date; readonly endsBy: Date };
  worker_lost: { readonly workerId: string | null; readonly leaseUntil: Date | null };

  cancelling: { readonly requestedAt: Date; readonly endsBy: Date };
  too_late: { readonly cause: 'expired' | 'deadline'; readonly at: Date; readonly endsBy: Date };
  no_leader: Nothing;

  scheduled: Until;
  snoozed: Until & { readonly said: string | null };
  retry_wait: Until & {
    readonly attempt: number;
    readonly failures: number;
    readonly maxAttempts: number;
    readonly errorType: string | null;
  };
  due: { readonly since: Date };
  blocked: Nothing;

  paused: GateName & { readonly since: Date };
  no_worker: Queue & { readonly lastSeenAt: Date | null };
  no_worker_for_queue: Queue;
  no_worker_for_task: Queue & { readonly task: string; readonly workers: number };
  workers_draining: Queue & { readonly workers: number };
  limit_reached: LimitName & {
    readonly limit: number;
    readonly inUse: number;
    readonly jobs: readonly string[];
  };
  key_line: { readonly key: string; readonly ahead: number };
  rate_limited: Until & { readonly kind: 'queue' | 'task' | 'job'; readonly name: string };
  slots_busy: { readonly slots: number; readonly workers: number; readonly ahead: number };
  suspect: { readonly crashes: number };
  next: { readonly ahead: number };

  expires: { readonly at: Date };
  deadline: { readonly at: Date };
}

type Nothing = Readonly<Record<never, never>>;

interface Until {
  readonly until: Date;
}

interface Queue {
  readonly queue: string;
}

interface GateName {
  readonly kind: 'queue' | 'task';
  readonly name: string;
}

interface LimitName {
  readonly kind: 'queue' | 'task' | 'key';
  readonly name: string;
}

interface Holder {
  readonly workerId: string;
  readonly hostname: string | null;
  readonly pid: number | null;
  readonly leaseUntil: Date | null;
  readonly since: Date;
}

export type FailureCause =
  | 'attempts_exhausted'
  | 'permanent_error'
  | 'crashed'
  | 'deadline'
  | 'expired'
  | 'unknown';

export interface ReasonOf<Code extends ExplainCode> {
  readonly code: Code;
  /** One sentence. */
  readonly message: string;
  /** What to do about it: a command, or a sentence that ends in one; `null` when nothing needs doing. */
  readonly remedy: string | null;
  readonly details: Readonly<ReasonDetails[Code]>;
}

/** One true cause, and what to do about it. */
export type ExplainReason = { readonly [Code in ExplainCode]: ReasonOf<Code> }[ExplainCode];

export function reason<Code extends ExplainCode>(
  code: Code,
  details: ReasonDetails[Code],
  message: string,
  remedy: string | null = null,
): ReasonOf<Code> {
  return Object.freeze({ code, message, remedy, details: Object.freeze(details) });
}

export function count(n: number, noun: string): string {
  return `${n} ${noun}${n === 1 ? '' : 's'}`;
}
