import { many, type Queryable } from '../../database/queryable.js';

/** A part of the history. */
export interface Range {
  /** Rows of a minute or of an hour, seconds. */
  readonly rows: 60 | 3_600;
  readonly from: Date;
  readonly to: Date;
  /** Length of the intervals that rows are summed up to, seconds; they begin at whole multiples since the epoch. */
  readonly step: number;
  /** `null`: all. */
  readonly queue: string | null;
  readonly task: string | null;
}

export interface JobCounts {
  readonly enqueued: number;
  readonly started: number;
  readonly retried: number;
  readonly succeeded: number;
  readonly failed: number;
  readonly cancelled: number;
}

const interval = `(floor(extract(epoch from h.at) / $4) * $4)::float8 * 1000 as at`;
const jobsIn = `
  h.step = $1 and h.at >= $2 and h.at < $3
    and (($5::text is null and $6::text is null) or h.lane_id in (
      select l.id from signalbox.lane l where ($5::text is null or l.queue = $5) and ($6::text is null or l.task = $6)))`;
const values = ({ rows, from, to, step, queue, task }: Range) => [rows, from, to, step, queue, task];

// Primary key: the rows of the time that is asked for, in all lanes.
const countsSql = `
  select ${interval}, sum(h.enqueued)::float8 as enqueued, sum(h.started)::float8 as started,
         sum(h.retried)::float8 as retried, sum(h.succeeded)::float8 as succeeded, sum(h.failed)::float8 as failed,
         sum(h.cancelled)::float8 as cancelled
  from signalbox.history h where ${jobsIn} group by 1`;

/** Of each interval in which something happened. */
export async function countsOf(db: Queryable, range: Range): Promise<(JobCounts & { at: number })[]> {
  return many(db, countsSql, values(range));
}

// The same rows; where no job ended there is nothing to unnest.
const spansSql = `
  select ${interval}, s.n::integer as span, sum(s.wait)::float8 as waits, sum(s.took)::float8 as took
  from signalbox.history h cross join lateral unnest(h.waits, h.took) with ordinality as s(wait, took, n)
  where ${jobsIn} group by 1, 2 order by 1, 2`;

export interface SpanRow {
  readonly at: number;
  /** From 1 on: the position in both histograms. */
  readonly span: number;
  readonly waits: number;
  readonly took: number;
}

export async function spansOf(db: Queryable, range: Range): Promise<SpanRow[]> {
  return many(db, spansSql, values(range));
}

export interface RequestCounts {
  readonly requests: number;
  readonly serverErrors: number;
}

// Primary key; a row for each process.
const requestsSql = `
  select ${interval}, sum(h.requests)::float8 as requests, sum(h.server_errors)::float8 as "serverErrors"
  from signalbox.history_request h where h.step = $1 and h.at >= $2 and h.at < $3 group by 1`;

/** Of each interval in which a server was there. */
export async function requestsOf(
  db: Queryable,
  { rows, from, to, step }: Range,
): Promise<(RequestCounts & { at: number })[]> {
  return many(db, requestsSql, [rows, from, to, step]);
}
