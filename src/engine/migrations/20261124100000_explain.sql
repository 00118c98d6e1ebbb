-- Up Migration

-- What explain and the findings ask of tables that fill and empty all day: each by index, each bounded, whatever the
-- planner believes of them.

-- How many jobs of these lanes are claimed before one at this place; counted up to p_limit. What runs is passed over.
create function signalbox.ahead_of(p_lanes integer[], p_priority smallint, p_place bigint, p_limit integer)
returns integer language plpgsql stable
set plan_cache_mode = force_generic_plan set enable_seqscan = off set enable_bitmapscan = off
set enable_hashjoin = off set enable_mergejoin = off set enable_material = off set jit = off as $$
begin
  return (
    with busy as materialized (select r.job_id, r.runs from signalbox.running r)
    select count(*) from (
      select from unnest(p_lanes) as l(id)
      cross join lateral (
        select from signalbox.job j
        where j.lane_id = l.id and j.hold is null and (j.priority, j.place) < (p_priority, p_place)
          and (j.id, j.runs) not in (select b.job_id, b.runs from busy b)
        order by j.lane_id, j.priority, j.place limit p_limit) as one
      limit p_limit) as first);
end $$;

-- How many jobs wait for a slot of this key in front of one at this place; counted up to p_limit.
create function signalbox.ahead_in_key(p_key text, p_priority smallint, p_place bigint, p_limit integer)
returns integer language plpgsql stable
set plan_cache_mode = force_generic_plan set enable_seqscan = off set enable_bitmapscan = off set jit = off as $$
begin
  return (
    select count(*) from (
      select from signalbox.job j
      where j.hold = 'limited' and j.limit_key = p_key and (j.priority, j.place) < (p_priority, p_place)
      order by j.limit_key, j.priority, j.place limit p_limit) as first);
end $$;

-- How long the attempts that ended last took, among the newest 500 ended jobs: those of these lanes, of the last hour.
create function signalbox.recent_durations(p_lanes integer[], out samples integer, out mean_ms double precision)
language plpgsql stable
set plan_cache_mode = force_generic_plan set enable_seqscan = off set enable_bitmapscan = off set jit = off as $$
begin
  select count(*), avg(extract(epoch from f.finished_at - f.started_at) * 1000) into samples, mean_ms
  from (select * from signalbox.finished order by id desc limit 500) as f
  where f.lane_id = any(p_lanes) and f.started_at is not null and f.status <> 'cancelled'
    and f.finished_at > now() - interval '1 hour';
end $$;

-- How many jobs each worker holds.
create function signalbox.worker_load() returns table (worker_id uuid, running integer)
language plpgsql stable
set plan_cache_mode = force_generic_plan set enable_seqscan = off set enable_bitmapscan = off
set enable_hashjoin = off set enable_mergejoin = off set jit = off as $$
#variable_conflict use_column
begin
  return query
  select r.worker_id, count(*)::integer from signalbox.running r
  join signalbox.job j on j.id = r.job_id and j.runs = r.runs group by r.worker_id;
end $$;

-- How many jobs the worker of a running job has claimed before it and not ended yet.
create function signalbox.claimed_before(p_job uuid) returns integer
language plpgsql stable
set plan_cache_mode = force_generic_plan set enable_seqscan = off set enable_bitmapscan = off
set enable_hashjoin = off set enable_mergejoin = off set jit = off as $$
begin
  return (
    with held as materialized (
      select c.worker_id, c.id as claim_id, r.ord, r.job_id from signalbox.claim c
      cross join lateral unnest(c.job_ids, c.runs) with ordinality as r(job_id, runs, ord)
      join signalbox.job j on j.id = r.job_id and j.runs = r.runs)
    select count(o.job_id) from held h
    left join held o on o.worker_id = h.worker_id and (o.claim_id, o.ord) < (h.claim_id, h.ord)
    where h.job_id = p_job);
end $$;

-- The first waiting job of a lane in the order of claims, and the place of the one that has waited longest. Reads one
-- entry for each priority in use, up to 50 of them; what runs is passed over.
create function signalbox.head_of(p_lane integer, out job_id uuid, out place bigint, out oldest bigint)
language plpgsql stable
set plan_cache_mode = force_generic_plan set enable_seqscan = off set enable_bitmapscan = off
set enable_hashjoin = off set enable_mergejoin = off set enable_material = off set jit = off as $$
declare
  v_priority integer := -32768;
  v_next signalbox.job;
begin
  for level in 1..50 loop
    with busy as materialized (select r.job_id, r.runs from signalbox.running r)
    select j.* into v_next from signalbox.job j
    where j.lane_id = p_lane and j.hold is null and j.priority >= v_priority
      and (j.id, j.runs) not in (select b.job_id, b.runs from busy b)
    order by j.lane_id, j.priority, j.place limit 1;
    exit when v_next.id is null;
    if level = 1 then
      job_id := v_next.id;
      place := v_next.place;
    end if;
    oldest := least(oldest, v_next.place);
    v_priority := v_next.priority + 1;
  end loop;
end $$;

-- Jobs whose time came before p_before and that nobody has moved on, up to p_limit of them.
create function signalbox.not_promoted(p_before timestamptz, p_limit integer)
returns table (lane_id integer, run_at timestamptz)
language plpgsql stable
set plan_cache_mode = force_generic_plan set enable_seqscan = off set enable_bitmapscan = off set jit = off as $$
#variable_conflict use_column
begin
  return query
  select j.lane_id, j.run_at from signalbox.job j
  where j.hold in ('scheduled', 'retrying') and j.run_at <= p_before order by j.run_at limit p_limit;
end $$;

-- What runs, with what it may take.
create function signalbox.running_jobs()
returns table (lane_id integer, worker_id uuid, claimed_at timestamptz, timeout_ms integer)
language plpgsql stable
set plan_cache_mode = force_generic_plan set enable_seqscan = off set enable_bitmapscan = off
set enable_hashjoin = off set enable_mergejoin = off set jit = off as $$
#variable_conflict use_column
begin
  return query
  select j.lane_id, r.worker_id, r.claimed_at, j.timeout_ms from signalbox.running r
  join signalbox.job j on j.id = r.job_id and j.runs = r.runs;
end $$;

-- Down Migration

drop function signalbox.running_jobs();
drop function signalbox.not_promoted(timestamptz, integer);
drop function signalbox.head_of(integer);
drop function signalbox.claimed_before(uuid);
drop function signalbox.worker_load();
drop function signalbox.recent_durations(integer[]);
drop function signalbox.ahead_in_key(text, smallint, bigint, integer);
drop function signalbox.ahead_of(integer[], smallint, bigint, integer);
