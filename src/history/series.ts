import type { Queryable } from '../database/queryable.js';
import { spanEdgesMs } from '../engine/spans.js';
import { figuresOf, type SpanFigures } from './histogram.js';
import { type HistoryState, historyState, keepHoursMs, keepMinutesMs } from './store/keep.js';
import {
  countsOf,
  type JobCounts,
  type Range,
  type RequestCounts,
  requestsOf,
  type SpanRow,
  spansOf,
} from './store/series.js';

export interface SeriesQuery {
  readonly from: Date;
  readonly to: Date;
  /** Seconds; a whole number of minutes, of hours from an hour on. */
  readonly step: number;
  readonly queue: string | null;
  readonly task: string | null;
}

export interface JobPoint extends JobCounts {
  /** From ready to claimed, of the jobs that ended; `null`: none did. */
  readonly wait: SpanFigures | null;
  /** From claimed to ended, of the same. */
  readonly run: SpanFigures | null;
}

/** One interval. */
export interface Point {
  /** Its beginning. */
  readonly at: Date;
  /** How much of it is known of the jobs, milliseconds. */
  readonly knownMs: number;
  /** `null`: unknown, which is not nothing. */
  readonly jobs: JobPoint | null;
  /** `null`: no server was there to say. */
  readonly requests: RequestCounts | null;
}

export interface Series {
  readonly state: HistoryState;
  readonly points: readonly Point[];
}

const nothing: JobCounts = Object.freeze({
  enqueued: 0,
  started: 0,
  retried: 0,
  succeeded: 0,
  failed: 0,
  cancelled: 0,
});

/** What happened in each interval from the one with `from` up to the one with `to`. */
export async function readSeries(db: Queryable, query: SeriesQuery): Promise<Series> {
  const { queue, task, step } = query;
  const stepMs = step * 1_000;
  const first = Math.floor(query.from.getTime() / stepMs) * stepMs;
  const last = Math.ceil(query.to.getTime() / stepMs) * stepMs;
  const rows = step < 3_600 ? 60 : 3_600;
  const range: Range = { rows, from: new Date(first), to: new Date(last), step, queue, task };
  // Before the counts: what is counted in between is then more than vouched for, never less.
  const state = await historyState(db);
  const [counts, spans, requests] = await Promise.all([
    countsOf(db, range),
    spansOf(db, range),
    requestsOf(db, range),
  ]);
  const known = knownTime(state, rows);
  const countsAt = new Map(counts.map(({ at, ...sums }) => [at, sums]));
  const requestsAt = new Map(requests.map(({ at, ...sums }) => [at, Object.freeze(sums)]));
  const spansAt = groupByTime(spans);
  const points: Point[] = [];
  for (let at = first; at < last; at += stepMs) {
    const knownMs = Math.max(Math.min(at + stepMs, known.to) - Math.max(at, known.from), 0);
    const jobs = knownMs === 0 ? null : jobPoint(countsAt.get(at) ?? nothing, spansAt.get(at) ?? []);
    points.push(Object.freeze({ at: new Date(at), knownMs, jobs, requests: requestsAt.get(at) ?? null }));
  }
  return Object.freeze({ state, points });
}

/** Milliseconds since the epoch; empty while nobody has counted. */
function knownTime({ since, countedTo, now }: HistoryState, rows: Range['rows']) {
  const kept = now.getTime() - (rows === 60 ? keepMinutesMs : keepHoursMs);
  return { from: Math.max(since.getTime(), kept), to: countedTo?.getTime() ?? Number.NEGATIVE_INFINITY };
}

function jobPoint(counts: JobCounts, spans: readonly SpanRow[]): JobPoint {
  const histogram = (of: (row: SpanRow) => number) => {
    const sums = new Array<number>(spanEdgesMs.length + 1).fill(0);
    for (const row of spans) sums[row.span - 1] = of(row);
    return figuresOf(sums);
  };
  return Object.freeze({ ...counts, wait: histogram((row) => row.waits), run: histogram((row) => row.took) });
}

function groupByTime(spans: readonly SpanRow[]): Map<number, SpanRow[]> {
  const groups = new Map<number, SpanRow[]>();
  for (const row of spans) {
    const group = groups.get(row.at);
    if (group === undefined) groups.set(row.at, [row]);
    else group.push(row);
  }
  return groups;
}
