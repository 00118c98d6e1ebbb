-- Up Migration

-- Of each queue: how long its oldest job has been ready and not started, how long the oldest running one has been
-- running, and by how much the attempt that is furthest over its time-out is over it; milliseconds, null when there is
-- none. Along index job_ready from priority to priority, of which at most 100 of a lane are looked at; what is due and
-- not promoted comes from the first thousand of index job_due. Jobs that wait for a slot of their key are left out.
create function signalbox.queue_ages()
returns table (queue text, waiting_ms double precision, running_ms double precision, overrun_ms double precision)
language plpgsql stable
set plan_cache_mode = force_generic_plan set enable_seqscan = off set enable_bitmapscan = off
set enable_hashjoin = off set enable_mergejoin = off set enable_material = off set jit = off as $$
#variable_conflict use_column
declare
  v_now bigint := signalbox.place_of(clock_timestamp());
begin
  return query
  with busy as materialized (select r.job_id, r.runs, r.claimed_at from signalbox.running r),
  ready as (
    select l.queue, (
      with recursive step as (
        (select j.priority, 1 as n from signalbox.job j where j.lane_id = l.id and j.hold is null
         order by j.priority limit 1)
        union all
        select (select j.priority from signalbox.job j
                where j.lane_id = l.id and j.hold is null and j.priority > s.priority order by j.priority limit 1), s.n + 1
        from step s where s.priority is not null and s.n < 100)
      select min((
        select signalbox.ready_since(j) from signalbox.job j
        where j.lane_id = l.id and j.hold is null and j.priority = s.priority
          and (j.id, j.runs) not in (select b.job_id, b.runs from busy b)
        order by j.place limit 1))
      from step s where s.priority is not null) as since
    from signalbox.lane l),
  due as (
    select l.queue, signalbox.place_of(min(j.run_at)) as since
    from (select j.lane_id, j.run_at from signalbox.job j
          where j.hold in ('scheduled', 'retrying') and j.run_at <= now() order by j.run_at limit 1000) as j
    join signalbox.lane l on l.id = j.lane_id
    group by l.queue),
  waiting as (
    select w.queue, (v_now - min(w.since)) / 1000.0 as ms
    from (select * from ready union all select * from due) as w group by w.queue),
  active as (
    select l.queue, extract(epoch from max(clock_timestamp() - b.claimed_at)) * 1000 as ms,
           max(extract(epoch from clock_timestamp() - b.claimed_at) * 1000 - j.timeout_ms) as over_ms
    from busy b
    join signalbox.job j on j.id = b.job_id and j.runs = b.runs
    join signalbox.lane l on l.id = j.lane_id
    group by l.queue)
  -- A null among them would count for nothing: unknown is not 0.
  select w.queue, case when w.ms is not null then greatest(w.ms, 0)::float8 end,
         case when a.ms is not null then greatest(a.ms, 0)::float8 end,
         case when a.ms is not null then greatest(a.over_ms, 0)::float8 end
  from waiting w left join active a on a.queue = w.queue;
end $$;

-- Down Migration

drop function signalbox.queue_ages();
