import { many, type Queryable } from '../../database/queryable.js';

/** Up to which length a window is summed up from minutes; longer ones from hours. */
const mostMinutesMs = 6 * 3_600_000;

/** What ended in a queue within a window. */
export interface JobWindow {
  readonly queue: string;
  readonly windowMs: number;
  readonly succeeded: number;
  readonly failed: number;
  /** Ended jobs of which the wait is known, and those of them that waited for less than the bound of their queue. */
  readonly waited: number;
  readonly fresh: number;
}

export interface FreshSpans {
  /** How many spans, from the shortest on, are short enough. */
  readonly fallback: number;
  readonly queues: ReadonlyMap<string, number>;
}

// Primary key: each window its own part of the minutes or the hours. A window ends with the last look and begins with a
// whole minute or hour.
const windowStart = `date_trunc(w.unit, s.counted_to, 'UTC') - w.ms * interval '1 millisecond'`;
const windows = `
  signalbox.history_state s
  cross join (select ms, case when ms > ${mostMinutesMs} then 3600 else 60 end as step,
                     case when ms > ${mostMinutesMs} then 'hour' else 'minute' end as unit
              from unnest($1::float8[]) as ms) as w`;

const jobsSql = `
  select l.queue, w.ms as "windowMs", sum(h.succeeded)::float8 as succeeded, sum(h.failed)::float8 as failed,
         coalesce(sum((select sum(n) from unnest(h.waits) as n)), 0)::float8 as waited,
         coalesce(sum((select sum(n) from unnest(h.waits[1:coalesce(o.spans, $2)]) as n)), 0)::float8 as fresh
  from ${windows}
  join signalbox.history h on h.step = w.step and h.at >= ${windowStart}
  join signalbox.lane l on l.id = h.lane_id
  left join unnest($3::text[], $4::integer[]) as o(queue, spans) on o.queue = l.queue
  group by 1, 2`;

export async function jobWindows(
  db: Queryable,
  windowsMs: readonly number[],
  spans: FreshSpans,
): Promise<JobWindow[]> {
  const queues = [...spans.queues];
  return many(db, jobsSql, [
    windowsMs,
    spans.fallback,
    queues.map(([queue]) => queue),
    queues.map(([, count]) => count),
  ]);
}

export interface RequestWindow {
  readonly windowMs: number;
  readonly requests: number;
  readonly serverErrors: number;
}

const requestsSql = `
  select w.ms as "windowMs", sum(h.requests)::float8 as requests, sum(h.server_errors)::float8 as "serverErrors"
  from ${windows}
  join signalbox.history_request h on h.step = w.step and h.at >= ${windowStart}
  group by 1`;

/** Windows in which no server was there are left out. */
export async function requestWindows(db: Queryable, windowsMs: readonly number[]): Promise<RequestWindow[]> {
  return many(db, requestsSql, [windowsMs]);
}
