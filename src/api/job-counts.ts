import type { LaneCounts } from '../engine/sql/snapshot.js';
import { count, milliseconds } from './measured.js';

const kept = count.describe('Of the jobs that are still kept');

export const unfinishedShape = { queued: count, scheduled: count, retrying: count, processing: count };
/** Jobs by state, those that are over included. */
export const jobCountsShape = { ...unfinishedShape, succeeded: kept, failed: kept, cancelled: kept };
export const oldestWaitingMs = milliseconds
  .nullable()
  .describe('How long the first job that could be claimed has been ready; `null`: none is');

type Counts = LaneCounts['counts'];
type Sum = Pick<LaneCounts, 'counts' | 'oldestWaitingMs'>;

const nothing: Sum = Object.freeze({
  counts: { queued: 0, scheduled: 0, retrying: 0, processing: 0, succeeded: 0, failed: 0, cancelled: 0 },
  oldestWaitingMs: null,
});

/** Several lanes as one. */
export function addUp(lanes: readonly Sum[]): Sum {
  return lanes.reduce(plus, nothing);
}

/** The lanes of each queue, or of each task, as one. A map: either may be named like a member that every object has. */
export function addUpBy(lanes: readonly LaneCounts[], key: 'queue' | 'task'): Map<string, Sum> {
  const sums = new Map<string, Sum>();
  for (const lane of lanes) sums.set(lane[key], plus(sums.get(lane[key]) ?? nothing, lane));
  return sums;
}

export function unfinishedJson({ queued, scheduled, retrying, processing }: Counts) {
  return { queued, scheduled, retrying, processing };
}

function plus(a: Sum, b: Sum): Sum {
  const sum = (state: keyof Counts) => a.counts[state] + b.counts[state];
  const oldest = [a.oldestWaitingMs, b.oldestWaitingMs].filter((ms) => ms !== null);
  return {
    counts: {
      queued: sum('queued'),
      scheduled: sum('scheduled'),
      retrying: sum('retrying'),
      processing: sum('processing'),
      succeeded: sum('succeeded'),
      failed: sum('failed'),
      cancelled: sum('cancelled'),
    },
    oldestWaitingMs: oldest.length === 0 ? null : Math.max(...oldest),
  };
}
