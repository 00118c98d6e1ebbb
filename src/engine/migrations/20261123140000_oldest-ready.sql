-- Up Migration

-- Of each lane the place of the first job that could be claimed: one descent of index `job_ready` for each lane and
-- priority. What runs still stands in that index and is passed over, so the cost grows with what was claimed, not with
-- the backlog. `not in`, because it is hashed and leaves the order of the index as it is: a join would sort the backlog.
create function signalbox.oldest_ready() returns table (lane_id integer, place bigint)
language plpgsql stable
set plan_cache_mode = force_generic_plan set enable_seqscan = off set enable_bitmapscan = off
set enable_sort = off set jit = off as $$
begin
  return query
  with recursive busy as materialized (select r.job_id, r.runs from signalbox.running r),
  used as (select t.lane_id from signalbox.tally t group by t.lane_id having sum(t.live) > 0),
  step(lane_id, priority) as (
    select u.lane_id, (select j.priority from signalbox.job j where j.lane_id = u.lane_id and j.hold is null
                       order by j.priority, j.place limit 1)
    from used u
    union all
    select s.lane_id, (select j.priority from signalbox.job j
                       where j.lane_id = s.lane_id and j.hold is null and j.priority > s.priority
                       order by j.priority, j.place limit 1)
    from step s where s.priority is not null),
  first as (
    select s.lane_id, (select j.place from signalbox.job j
                       where j.lane_id = s.lane_id and j.hold is null and j.priority = s.priority
                         and (j.id, j.runs) not in (select b.job_id, b.runs from busy b)
                       order by j.priority, j.place limit 1) as place
    from step s where s.priority is not null)
  select f.lane_id, min(f.place) from first f where f.place is not null group by f.lane_id;
end $$;
comment on function signalbox.oldest_ready is
  'Jobs put aside for their concurrency key are not looked at; a lane where nothing waits has no row';

-- Down Migration

drop function signalbox.oldest_ready();
