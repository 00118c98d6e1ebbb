-- Up Migration

-- A change says when it was made, and an end how long its jobs waited and ran: whoever adds the changes up can tell
-- what happened in which minute without a look at any job. null: the time is not known or has been taken into account.
alter table signalbox.tally add column at timestamptz, add column spans smallint[];
alter table signalbox.tally alter column at set default now();
comment on column signalbox.tally.at is 'When; null: the sum of changes that were added up';
comment on column signalbox.tally.spans is
  'One for each job that a worker ended: 32 times the span from ready to claimed, and that from claimed to ended';

-- The number of a span of time: 0 is below the first of these seconds, 1 below the second; 22 is six hours and more.
-- Nothing in it may keep it from being inlined. `spanEdgesMs` has the same edges.
create function signalbox.span(seconds double precision) returns integer
language sql immutable parallel safe as $$
  select width_bucket(seconds, array[0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5, 10, 20, 30,
    60, 120, 300, 600, 1800, 3600, 21600]::double precision[])
$$;

-- As before; now the change that it writes also carries the spans.
create or replace function signalbox.finish(
  p_worker uuid, p_claims bigint[], p_from smallint[], p_ids uuid[], p_runs integer[], p_statuses text[],
  p_reasons text[], p_results text[], p_errors text[], p_limited boolean[], p_done bigint[]) returns uuid[]
language plpgsql
set plan_cache_mode = force_generic_plan set enable_seqscan = off set enable_bitmapscan = off
set enable_nestloop = off set enable_mergejoin = off set enable_material = off set jit = off as $$
declare
  v_at timestamptz[];
  v_held uuid[];
  v_lanes integer[];
  v_ends text[];
  v_keys text[];
  v_spans smallint[];
  v_now double precision := date_part('epoch', now());
  v_moved integer;
begin
  perform from signalbox.claim c where c.id = any(p_claims) for share;
  v_at := signalbox.claimed_at(p_worker, p_claims);
  for try in 1..2 loop
    begin
      with kept as (
        insert into signalbox.finished
          (id, lane_id, priority, place, created_at, runs, failures, crashes, max_attempts, timeout_ms, reason, run_at,
           started_at, touched_at, expires_at, deadline_at, cancel_requested_at, limit_key, limit_max, unique_key,
           owner, tags, trace_parent, input, error, progress, events, status, worker_id, result)
        select j.id, j.lane_id, j.priority, j.place, j.created_at, d.run,
           case when d.status = 'failed' then j.failures + 1 else j.failures end, j.crashes, j.max_attempts,
           j.timeout_ms, d.reason, j.run_at, v_at[d.source], j.touched_at, j.expires_at, j.deadline_at,
           j.cancel_requested_at, j.limit_key, j.limit_max, j.unique_key, j.owner, j.tags, j.trace_parent, j.input,
           case when d.status <> 'succeeded' then coalesce(d.error::jsonb, j.error) end, j.progress, j.events,
           coalesce(d.status, 'succeeded'), p_worker, d.result::json
        from signalbox.job j
        join unnest(p_ids, p_runs, p_from, p_statuses, p_reasons, p_results, p_errors)
               as d(id, run, source, status, reason, result, error) on j.id = d.id
        where j.id = any(p_ids) and j.runs = d.run - 1 and v_at[d.source] is not null
        returning id, lane_id, status, unique_key, place, date_part('epoch', started_at) as began)
      select array_agg(k.id), array_agg(k.lane_id), array_agg(k.status),
             case when count(k.unique_key) > 0 then array_agg(k.unique_key) end,
             array_agg((32 * signalbox.span(k.began - k.place::float8 / 1000000) + signalbox.span(v_now - k.began))::smallint)
      into v_held, v_lanes, v_ends, v_keys, v_spans
      from kept k;
      exit;
    exception when unique_violation then
      -- The same outcomes were on their way already, by a connection that was given up. They have arrived now, so the
      -- next look finds no such jobs.
      if try = 2 then
        raise;
      end if;
    end;
  end loop;
  delete from signalbox.job j where j.id = any(v_held);
  get diagnostics v_moved = row_count;
  if v_moved <> coalesce(cardinality(v_held), 0) then
    raise exception 'jobs that ran were changed by somebody who did not hold their claim';
  end if;
  insert into signalbox.tally (lane_id, live, processing, succeeded, failed, cancelled, spans)
  select e.lane, -count(*), -count(*), count(*) filter (where e.status = 'succeeded'),
         count(*) filter (where e.status = 'failed'), count(*) filter (where e.status = 'cancelled'),
         array_agg(e.span)
  from unnest(v_lanes, v_ends, v_spans) as e(lane, status, span) group by e.lane;
  if p_limited is not null then
    delete from signalbox.slot s where s.job_id = any(v_held);
  end if;
  if v_keys is not null then
    perform signalbox.release_keys(v_held, v_keys, v_ends);
  end if;
  delete from signalbox.claim c where c.id = any(p_done);
  return case when v_moved = cardinality(p_ids) then null else coalesce(v_held, '{}') end;
end $$;

-- Down Migration

create or replace function signalbox.finish(
  p_worker uuid, p_claims bigint[], p_from smallint[], p_ids uuid[], p_runs integer[], p_statuses text[],
  p_reasons text[], p_results text[], p_errors text[], p_limited boolean[], p_done bigint[]) returns uuid[]
language plpgsql
set plan_cache_mode = force_generic_plan set enable_seqscan = off set enable_bitmapscan = off
set enable_nestloop = off set enable_mergejoin = off set enable_material = off set jit = off as $$
declare
  v_at timestamptz[];
  v_held uuid[];
  v_lanes integer[];
  v_ends text[];
  v_keys text[];
  v_moved integer;
begin
  perform from signalbox.claim c where c.id = any(p_claims) for share;
  v_at := signalbox.claimed_at(p_worker, p_claims);
  for try in 1..2 loop
    begin
      with kept as (
        insert into signalbox.finished
          (id, lane_id, priority, place, created_at, runs, failures, crashes, max_attempts, timeout_ms, reason, run_at,
           started_at, touched_at, expires_at, deadline_at, cancel_requested_at, limit_key, limit_max, unique_key,
           owner, tags, trace_parent, input, error, progress, events, status, worker_id, result)
        select j.id, j.lane_id, j.priority, j.place, j.created_at, d.run,
           case when d.status = 'failed' then j.failures + 1 else j.failures end, j.crashes, j.max_attempts,
           j.timeout_ms, d.reason, j.run_at, v_at[d.source], j.touched_at, j.expires_at, j.deadline_at,
           j.cancel_requested_at, j.limit_key, j.limit_max, j.unique_key, j.owner, j.tags, j.trace_parent, j.input,
           case when d.status <> 'succeeded' then coalesce(d.error::jsonb, j.error) end, j.progress, j.events,
           coalesce(d.status, 'succeeded'), p_worker, d.result::json
        from signalbox.job j
        join unnest(p_ids, p_runs, p_from, p_statuses, p_reasons, p_results, p_errors)
               as d(id, run, source, status, reason, result, error) on j.id = d.id
        where j.id = any(p_ids) and j.runs = d.run - 1 and v_at[d.source] is not null
        returning id, lane_id, status, unique_key)
      select array_agg(k.id), array_agg(k.lane_id), array_agg(k.status),
             case when count(k.unique_key) > 0 then array_agg(k.unique_key) end
      into v_held, v_lanes, v_ends, v_keys
      from kept k;
      exit;
    exception when unique_violation then
      -- The same outcomes were on their way already, by a connection that was given up. They have arrived now, so the
      -- next look finds no such jobs.
      if try = 2 then
        raise;
      end if;
    end;
  end loop;
  delete from signalbox.job j where j.id = any(v_held);
  get diagnostics v_moved = row_count;
  if v_moved <> coalesce(cardinality(v_held), 0) then
    raise exception 'jobs that ran were changed by somebody who did not hold their claim';
  end if;
  insert into signalbox.tally (lane_id, live, processing, succeeded, failed, cancelled)
  select e.lane, -count(*), -count(*), count(*) filter (where e.status = 'succeeded'),
         count(*) filter (where e.status = 'failed'), count(*) filter (where e.status = 'cancelled')
  from unnest(v_lanes, v_ends) as e(lane, status) group by e.lane;
  if p_limited is not null then
    delete from signalbox.slot s where s.job_id = any(v_held);
  end if;
  if v_keys is not null then
    perform signalbox.release_keys(v_held, v_keys, v_ends);
  end if;
  delete from signalbox.claim c where c.id = any(p_done);
  return case when v_moved = cardinality(p_ids) then null else coalesce(v_held, '{}') end;
end $$;
drop function signalbox.span(double precision);
alter table signalbox.tally drop column spans, drop column at;
