import type { Brief } from './sql/claim.js';
import type { Lane } from './sql/lanes.js';

/** A job that a worker has claimed and not settled. */
export interface ClaimedJob {
  readonly id: string;
  readonly task: string;
  readonly queue: string;
  /** Number of this run, from 1. */
  readonly attempt: number;
  readonly failures: number;
  readonly crashes: number;
  readonly maxAttempts: number;
  readonly timeoutMs: number;
  readonly input: unknown;
  readonly owner: string | null;
  readonly tags: readonly string[];
  readonly traceParent: string | null;
  /** Milliseconds from the claim to the job's deadline; `null`: it has none. */
  readonly leftMs: number | null;
  readonly workerId: string;
  readonly claimId: string;
  /** Whether it uses slots of some limit. */
  readonly limited: boolean;
}

const noTags: readonly string[] = Object.freeze([]);

export function toClaimedJob(
  brief: Brief,
  lane: Lane,
  claim: { readonly workerId: string; readonly claimId: string; readonly limited: boolean },
): ClaimedJob {
  const more = brief[8];
  return {
    id: brief[0],
    task: lane.task,
    queue: lane.queue,
    attempt: brief[2],
    failures: brief[3],
    crashes: brief[4],
    maxAttempts: brief[5],
    timeoutMs: brief[6],
    input: brief[7],
    owner: more?.owner ?? null,
    tags: more?.tags ?? noTags,
    traceParent: more?.trace_parent ?? null,
    leftMs: more?.left_ms ?? null,
    workerId: claim.workerId,
    claimId: claim.claimId,
    limited: claim.limited,
  };
}
