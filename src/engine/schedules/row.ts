import type {
  CatchUpPolicy,
  FiringOutcome,
  OverlapPolicy,
  Schedule,
  ScheduleFiring,
  ScheduleSource,
} from './schedule.js';

export interface ScheduleRow {
  readonly name: string;
  readonly source: ScheduleSource;
  readonly task: string;
  readonly input: unknown;
  readonly slot_field: string | null;
  readonly cron: string;
  readonly time_zone: string;
  readonly catch_up: CatchUpPolicy;
  readonly overlap: OverlapPolicy;
  readonly jitter_ms: number;
  readonly priority: number | null;
  readonly owner: string | null;
  readonly tags: string[];
  readonly paused: boolean;
  readonly enabled: boolean;
  readonly next_slot: Date | null;
  readonly held_slot: Date | null;
  readonly open_jobs: string[];
  readonly failures: number;
  readonly last_error: string | null;
  readonly last_error_at: Date | null;
  readonly created_at: Date;
  readonly updated_at: Date;
}

export interface FiringRow {
  readonly schedule: string;
  readonly slot: Date;
  readonly kind: 'slot' | 'manual';
  readonly outcome: FiringOutcome;
  readonly job_id: string | null;
  readonly missed_from: Date | null;
  readonly missed: number | null;
  readonly at: Date;
}

export function toSchedule(row: ScheduleRow, lastFiring: ScheduleFiring | null): Schedule {
  return Object.freeze({
    name: row.name,
    source: row.source,
    task: row.task,
    input: row.input,
    slotField: row.slot_field,
    cron: row.cron,
    timeZone: row.time_zone,
    catchUp: row.catch_up,
    overlap: row.overlap,
    jitterMs: row.jitter_ms,
    priority: row.priority,
    owner: row.owner,
    tags: Object.freeze(row.tags),
    paused: row.paused,
    enabled: row.enabled,
    nextRunAt: row.enabled && !row.paused ? row.next_slot : null,
    heldSlot: row.held_slot,
    failures: row.failures,
    lastError: row.last_error,
    lastErrorAt: row.last_error_at,
    lastFiring,
    createdAt: row.created_at,
    updatedAt: row.updated_at,
  });
}

export function toFiring(row: FiringRow): ScheduleFiring {
  return Object.freeze({
    schedule: row.schedule,
    slot: row.slot,
    kind: row.kind,
    outcome: row.outcome,
    jobId: row.job_id,
    missedFrom: row.missed_from,
    missed: row.missed,
    at: row.at,
  });
}
