-- Up Migration

-- Removes ended jobs whose time is over, with all that is kept of them. Looks at up to p_limit of them by id, after
-- p_after; ids begin with the time of their making, so that the first one younger than the shortest time ends the scan.
-- p_*_ms: how long jobs with that end are kept; null: for ever. last: where to go on. seen < p_limit: the scan is over.
-- It waits for nobody: what is locked, by a retry or by an enqueue that wants its unique key, is left for another time.
create function signalbox.forget(
  p_after uuid, p_limit integer, p_succeeded_ms double precision, p_failed_ms double precision,
  p_cancelled_ms double precision, out seen integer, out removed integer, out last uuid)
language plpgsql
set plan_cache_mode = force_generic_plan set enable_seqscan = off set enable_bitmapscan = off
set enable_hashjoin = off set enable_mergejoin = off set enable_material = off set jit = off as $$
declare
  v_after uuid := coalesce(p_after, '00000000-0000-0000-0000-000000000000');
  v_succeeded timestamptz := now() - p_succeeded_ms * interval '1 millisecond';
  v_failed timestamptz := now() - p_failed_ms * interval '1 millisecond';
  v_cancelled timestamptz := now() - p_cancelled_ms * interval '1 millisecond';
  v_newest bigint := greatest(extract(epoch from greatest(v_succeeded, v_failed, v_cancelled)) * 1000, 0)::bigint;
  v_before uuid := (lpad(to_hex(v_newest), 12, '0') || repeat('0', 20))::uuid;
  v_holders uuid[];
  v_keys text[];
  v_locked uuid[];
  v_busy uuid[] := '{}';
begin
  removed := 0;
  select count(*), (array_agg(s.id order by s.id))[count(*)::integer],
         array_agg(s.id) filter (where s.unique_key is not null),
         array_agg(s.unique_key) filter (where s.unique_key is not null)
  into seen, last, v_holders, v_keys
  from (select f.id, f.unique_key from signalbox.finished f
        where f.id > v_after and f.id < v_before order by f.id limit p_limit) as s;
  if seen = 0 then
    last := p_after;
    return;
  end if;
  if v_keys is not null then
    v_locked := array(
      select u.job_id from unnest(v_keys, v_holders) as h(key, id)
      join signalbox.unique_key u on u.key = h.key and u.job_id = h.id for update of u skip locked);
    v_busy := array(
      select u.job_id from unnest(v_keys, v_holders) as h(key, id)
      join signalbox.unique_key u on u.key = h.key and u.job_id = h.id where u.job_id <> all(v_locked));
  end if;
  with over as (
    select f.id from signalbox.finished f
    where f.id > v_after and f.id <= last
      and f.finished_at < case f.status when 'succeeded' then v_succeeded when 'failed' then v_failed else v_cancelled end
      and f.id <> all(v_busy)
    order by f.id for update skip locked),
  gone as (
    delete from signalbox.finished f using over o where f.id = o.id
    returning f.id, f.lane_id, f.status, f.unique_key),
  logs as (delete from signalbox.job_log l using gone g where l.job_id = g.id),
  payloads as (delete from signalbox.payload p using gone g where p.job_id = g.id),
  keys as (
    delete from signalbox.unique_key u using gone g
    where g.unique_key is not null and u.key = g.unique_key and u.job_id = g.id),
  counted as (
    insert into signalbox.tally (lane_id, succeeded, failed, cancelled)
    select g.lane_id, -count(*) filter (where g.status = 'succeeded'), -count(*) filter (where g.status = 'failed'),
           -count(*) filter (where g.status = 'cancelled')
    from gone g group by g.lane_id)
  select count(*) into removed from gone;
end $$;

-- Down Migration

drop function signalbox.forget(uuid, integer, double precision, double precision, double precision);
