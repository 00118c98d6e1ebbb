-- Up Migration

-- What happened in a lane in a minute, and the same in an hour. No row: nothing did, within the time that
-- signalbox.history_state vouches for.
create table signalbox.history (
  step integer not null check (step in (60, 3600)),
  at timestamptz not null,
  lane_id integer not null,
  enqueued integer not null default 0,
  started integer not null default 0,
  retried integer not null default 0,
  succeeded integer not null default 0,
  failed integer not null default 0,
  cancelled integer not null default 0,
  waits integer[],
  took integer[],
  primary key (step, at, lane_id)
);
comment on table signalbox.history is 'What happened, by the minute for 7 days and by the hour for 90';
comment on column signalbox.history.step is 'Seconds: a minute or an hour';
comment on column signalbox.history.started is 'Claims; one that was given back before its handler began counts too';
comment on column signalbox.history.retried is 'Attempts that failed and are to be tried again';
comment on column signalbox.history.waits is 'Ended jobs by the span from ready to claimed, see signalbox.span; null: none';

-- Requests that a process answered, by the minute and the hour. No row: no process was there to say.
create table signalbox.history_request (
  step integer not null check (step in (60, 3600)),
  at timestamptz not null,
  process uuid not null,
  requests integer not null,
  server_errors integer not null,
  primary key (step, at, process)
);
comment on table signalbox.history_request is 'Answers and those with 500 or above. Each process writes its own totals';

create table signalbox.history_state (
  only_one boolean primary key default true check (only_one),
  since timestamptz not null,
  counted_to timestamptz
);
comment on table signalbox.history_state is 'From the first whole minute to the last look: what is known. The rest is unknown, not nothing';
insert into signalbox.history_state (since) values (date_trunc('minute', now(), 'UTC') + interval '1 minute');

create function signalbox.add_counts(a integer[], b integer[]) returns integer[]
language sql immutable parallel safe as $$
  select case when a is null then b when b is null then a else array(
    select coalesce(x.a, 0) + coalesce(x.b, 0) from unnest(a, b) with ordinality as x(a, b, n) order by x.n) end
$$;

-- Changes are added up by deleting them, once each, and that is where they are counted: in the same transaction, so that
-- none is counted twice or never, whoever adds up, and however late the change was committed.
-- A retry by a person takes an end back, which has happened all the same; so does the removal of old jobs.
create function signalbox.keep_history() returns trigger
language plpgsql as $$
begin
  with unit(seconds, name) as (values (60, 'minute'), (3600, 'hour')),
  fresh as materialized (
    select g.*, date_trunc('minute', g.at, 'UTC') as minute
    from gone g join signalbox.lane l on l.id = g.lane_id
    where g.at is not null and l.task <> 'signalbox.canary'),
  counted as (
    select u.seconds, date_trunc(u.name, f.minute, 'UTC') as at, f.lane_id,
           coalesce(sum(f.live) filter (where f.succeeded = 0 and f.failed = 0 and f.cancelled = 0), 0) as enqueued,
           sum(greatest(f.processing, 0)) as started, sum(greatest(f.retrying, 0)) as retried,
           sum(greatest(f.succeeded, 0)) as succeeded, sum(greatest(f.failed, 0)) as failed,
           sum(greatest(f.cancelled, 0)) as cancelled
    from fresh f cross join unit u group by 1, 2, 3),
  span as materialized (
    select f.minute, f.lane_id, s.span, count(*) as n
    from fresh f cross join lateral unnest(f.spans) as s(span) group by 1, 2, 3),
  part as materialized (
    select u.seconds, date_trunc(u.name, s.minute, 'UTC') as at, s.lane_id, s.span / 32 as wait, s.span % 32 as took, s.n
    from span s cross join unit u),
  histogram as (
    select b.seconds, b.at, b.lane_id, array_agg(coalesce(w.n, 0)::integer order by b.nth) as waits,
           array_agg(coalesce(t.n, 0)::integer order by b.nth) as took
    from (select distinct p.seconds, p.at, p.lane_id, s.nth from part p cross join generate_series(0, 22) as s(nth)) as b
    left join (select seconds, at, lane_id, wait as nth, sum(n) as n from part group by 1, 2, 3, 4) as w
      using (seconds, at, lane_id, nth)
    left join (select seconds, at, lane_id, took as nth, sum(n) as n from part group by 1, 2, 3, 4) as t
      using (seconds, at, lane_id, nth)
    group by 1, 2, 3)
  insert into signalbox.history as h
    (step, at, lane_id, enqueued, started, retried, succeeded, failed, cancelled, waits, took)
  select c.seconds, c.at, c.lane_id, c.enqueued, c.started, c.retried, c.succeeded, c.failed, c.cancelled,
         g.waits, g.took
  from counted c left join histogram g using (seconds, at, lane_id)
  where c.enqueued + c.started + c.retried + c.succeeded + c.failed + c.cancelled > 0
  -- Two who add up at once never wait for each other.
  order by 1, 2, 3
  on conflict (step, at, lane_id) do update
  set enqueued = h.enqueued + excluded.enqueued, started = h.started + excluded.started,
      retried = h.retried + excluded.retried, succeeded = h.succeeded + excluded.succeeded,
      failed = h.failed + excluded.failed, cancelled = h.cancelled + excluded.cancelled,
      waits = signalbox.add_counts(h.waits, excluded.waits), took = signalbox.add_counts(h.took, excluded.took);
  return null;
end $$;
create trigger tally_kept after delete on signalbox.tally
  referencing old table as gone for each statement execute function signalbox.keep_history();
comment on function signalbox.keep_history is 'A change is never added up without being counted';

-- Down Migration

drop trigger tally_kept on signalbox.tally;
drop function signalbox.keep_history();
drop function signalbox.add_counts(integer[], integer[]);
drop table signalbox.history_state;
drop table signalbox.history_request;
drop table signalbox.history;
