import type { Queryable } from '../../database/queryable.js';

/** What one minute of one process answered. */
export interface RequestMinute {
  /** Its beginning, milliseconds since the epoch. */
  readonly at: number;
  readonly requests: number;
  readonly serverErrors: number;
}

// By primary key. Totals and not additions: written again after a lost answer they say the same. An hour is summed up
// from this process's own minutes, of which at most 60 are read for each.
const saveSql = `
  with given as (
    select to_timestamp(m.at / 1000) as at, m.requests, m.errors
    from unnest($2::float8[], $3::integer[], $4::integer[]) as m(at, requests, errors)),
  minute as (
    insert into signalbox.history_request (step, at, process, requests, server_errors)
    select 60, g.at, $1, g.requests, g.errors from given g order by g.at
    on conflict (step, at, process) do update
    set requests = excluded.requests, server_errors = excluded.server_errors)
  insert into signalbox.history_request (step, at, process, requests, server_errors)
  select 3600, date_trunc('hour', m.at, 'UTC'), $1, sum(m.requests), sum(m.errors)
  from (
    select g.at, g.requests, g.errors from given g
    union all
    select r.at, r.requests, r.server_errors from signalbox.history_request r
    where r.step = 60 and r.process = $1 and r.at >= (select date_trunc('hour', min(g.at), 'UTC') from given g)
      and r.at < (select date_trunc('hour', max(g.at), 'UTC') + interval '1 hour' from given g)
      and r.at not in (select g.at from given g)) as m
  group by 2
  on conflict (step, at, process) do update
  set requests = excluded.requests, server_errors = excluded.server_errors`;

/** Writes the totals of a process's minutes, and of the hours that they belong to. Safe to repeat. */
export async function saveRequests(
  db: Queryable,
  process: string,
  minutes: readonly RequestMinute[],
): Promise<void> {
  const column = (of: (one: RequestMinute) => number) => minutes.map(of);
  await db.query(saveSql, [
    process,
    column((m) => m.at),
    column((m) => m.requests),
    column((m) => m.serverErrors),
  ]);
}
