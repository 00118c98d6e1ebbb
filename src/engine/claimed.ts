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
  /** When the job must have ended, and when its handler must have been called; on the clock of `performance.now()`. */
  readonly endsBy: number;
  readonly startsBy: number;
  /** Since when it could have been claimed, on the same clock: the time before a backoff was over is not in it. */
  readonly readyAt: number;
  readonly workerId: string;
  readonly claimId: string;
  /** Whether it uses slots of some limit. */
  readonly limited: boolean;
}

const never = Number.POSITIVE_INFINITY;
const noTags: readonly string[] = Object.freeze([]);

export function toClaimedJob(
  brief: Brief,
  lane: Lane,
  /**
   * `askedAt` and `toldAt`: before and after the statement that told of the job. The database's clock decides, and it
   * stood somewhere between: a job is not begun that may be late, nor ended for a time that may not have come.
   * `clockMs`: how far the database's clock, in milliseconds since the epoch, is ahead of `performance.now()`.
   */
  claim: {
    readonly workerId: string;
    readonly claimId: string;
    readonly limited: boolean;
    readonly askedAt: number;
    readonly toldAt: number;
    readonly clockMs: number;
  },
): ClaimedJob {
  const more = brief[9];
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
    endsBy: claim.toldAt + (more?.left_ms ?? never),
    startsBy: claim.askedAt + Math.min(more?.left_ms ?? never, more?.start_ms ?? never),
    readyAt: brief[8] / 1_000 - claim.clockMs,
    workerId: claim.workerId,
    claimId: claim.claimId,
    limited: claim.limited,
  };
}
