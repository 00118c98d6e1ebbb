/** What becomes of slots that were missed: found more than `missedAfterMs` late, because nothing ran. */
export const catchUpPolicies = ['none', 'latest', 'all'] as const;
export type CatchUpPolicy = (typeof catchUpPolicies)[number];

/** What becomes of a slot whose predecessor's job has not ended. */
export const overlapPolicies = ['allow', 'skip', 'wait'] as const;
export type OverlapPolicy = (typeof overlapPolicies)[number];

/** Where a schedule was made. What one of them made, the other does not change. */
export type ScheduleSource = 'code' | 'api';

/** A slot found later than this is missed, and the catch-up policy decides about it. Milliseconds. */
export const missedAfterMs = 60_000;
/** Missed slots that `all` makes up for, the newest; older ones are dropped, and the history says so. */
export const maxCaughtUp = 1_000;
/** Decided slots that are kept per schedule. */
export const keptFirings = 1_000;

/** A checked entry of a timetable, as `schedule` makes it and the database keeps it. */
export interface ScheduleDefinition {
  readonly name: string;
  readonly task: string;
  readonly input: unknown;
  /** Field of the input into which the slot is written, RFC 3339. */
  readonly slotField: string | null;
  readonly cron: string;
  readonly timeZone: string;
  readonly catchUp: CatchUpPolicy;
  readonly overlap: OverlapPolicy;
  /** Longest random delay of a job, milliseconds. */
  readonly jitterMs: number;
  /** `null`: the task's own. */
  readonly priority: number | null;
  readonly owner: string | null;
  readonly tags: readonly string[];
  /** `null`: as it is; a new one runs. */
  readonly paused: boolean | null;
}

export interface Schedule extends ScheduleDefinition {
  readonly paused: boolean;
  readonly source: ScheduleSource;
  /** False when it was declared in code and no longer is: it stays for its history and never fires. */
  readonly enabled: boolean;
  /** The next slot, in the past while it is being caught up; `null` when it rests or no slot comes any more. */
  readonly nextRunAt: Date | null;
  /** The slot whose job is held back until the job before it has ended. */
  readonly heldSlot: Date | null;
  /** Failed tries since the last success. */
  readonly failures: number;
  /** Kept after a success: `failures` says whether it still holds. */
  readonly lastError: string | null;
  readonly lastErrorAt: Date | null;
  readonly lastFiring: ScheduleFiring | null;
  readonly createdAt: Date;
  readonly updatedAt: Date;
}

/**
 * | outcome | what happened to the slot |
 * | --- | --- |
 * | `enqueued` | its job was enqueued |
 * | `held` | its job waits for the job before it; becomes `enqueued` |
 * | `skipped` | no job: the one before it had not ended |
 * | `missed` | no job: one row for all slots from `missedFrom` to `slot`, dropped by the catch-up policy |
 */
export type FiringOutcome = 'enqueued' | 'held' | 'skipped' | 'missed';

/** What became of one slot, or of a run that a person asked for. */
export interface ScheduleFiring {
  readonly schedule: string;
  /** The slot; of a manual firing the time at which it was asked for. */
  readonly slot: Date;
  readonly kind: 'slot' | 'manual';
  readonly outcome: FiringOutcome;
  readonly jobId: string | null;
  readonly missedFrom: Date | null;
  /** Missed slots of this row; `null` with `missed`: more than were counted. */
  readonly missed: number | null;
  /** When it was decided. */
  readonly at: Date;
}
