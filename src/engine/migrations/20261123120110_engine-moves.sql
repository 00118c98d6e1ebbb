-- Up Migration

-- When each of these claims was made; null for one that is not of this worker.
create function signalbox.claimed_at(p_worker uuid, p_claims bigint[]) returns timestamptz[]
language sql stable as $$
  select array(
    select c.claimed_at from unnest(p_claims) with ordinality as p(id, ord)
    left join signalbox.claim c on c.id = p.id and c.worker_id = p_worker order by p.ord)
$$;

-- Gives up the unique keys of jobs that have come to a state in which they do not hold them. A function of its own
-- because signalbox.finish may not use nested loops, which this must.
create function signalbox.release_keys(p_ids uuid[], p_keys text[], p_states text[]) returns void
language plpgsql
set plan_cache_mode = force_generic_plan set enable_seqscan = off set enable_bitmapscan = off
set enable_hashjoin = off set enable_mergejoin = off set enable_material = off set jit = off as $$
begin
  delete from signalbox.unique_key u using unnest(p_ids, p_keys, p_states) as o(id, key, state)
  where u.key = o.key and u.job_id = o.id and not o.state = any(u.states);
end $$;

-- The number of a span of time: 0 is below the first of these seconds, 1 below the second; 22 is six hours and more.
-- Nothing in it may keep it from being inlined. `spanEdgesMs` has the same edges.
create function signalbox.span(seconds double precision) returns integer
language sql immutable parallel safe as $$
  select width_bucket(seconds, array[0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5, 10, 20, 30,
    60, 120, 300, 600, 1800, 3600, 21600]::double precision[])
$$;

-- Ends attempts for good. Each is fenced by its claim, which must be of this worker, and by the job's number of
-- runs. p_claims are the claims, p_from says for each job which of them it is from. A null array stands for: all
-- succeeded, no reasons, results, errors or limits. p_done: claims of which every job is settled now.
-- Answers null when every fence held, else the jobs whose did.
-- Whoever else changes a job that runs holds the row of its claim, so that it stays as it is between the two statements
-- that move it. They cost less than one that hands whole rows on. The join is hashed, because then the jobs are found
-- in one walk along the index.
create function signalbox.finish(
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

-- Puts running jobs back: to wait for a time (hold 'scheduled' or 'retrying', after p_delays milliseconds) or to be
-- claimed again (hold null). p_begun: false for a job that was claimed ahead of time and whose handler was never
-- called. Fenced like signalbox.finish.
create function signalbox.give_back(
  p_worker uuid, p_claims bigint[], p_from smallint[], p_ids uuid[], p_runs integer[], p_holds text[], p_delays double precision[],
  p_reasons text[], p_errors text[], p_messages text[], p_begun boolean[], p_done bigint[]) returns uuid[]
language plpgsql
set plan_cache_mode = force_generic_plan set enable_seqscan = off set enable_bitmapscan = off
set enable_hashjoin = off set enable_mergejoin = off set enable_material = off set jit = off as $$
declare
  v_at timestamptz[] := signalbox.claimed_at(p_worker, p_claims);
  v_held uuid[];
begin
  with back as (
    update signalbox.job j
    set runs = d.run,
        failures = case when d.hold = 'retrying' then j.failures + 1 else j.failures end,
        hold = d.hold,
        reason = d.reason,
        run_at = case when d.hold is null then j.run_at else now() + d.delay * interval '1 millisecond' end,
        started_at = case when d.begun then v_at[d.source] else j.started_at end,
        touched_at = now(),
        error = coalesce(d.error::jsonb, j.error),
        progress = case when d.message is null then j.progress else jsonb_build_object(
          'fraction', coalesce((j.progress ->> 'fraction')::float8, 0), 'message', d.message) end,
        events = signalbox.remember(signalbox.history(j),
          signalbox.begun(signalbox.history(j), d.run, v_at[d.source], p_worker),
          signalbox.event(now(), coalesce(d.hold, 'queued'), d.run, jsonb_build_object(
            'reason', d.reason, 'message', d.message, 'error', d.error::jsonb - 'stack',
            'run_at', case when d.hold is not null then now() + d.delay * interval '1 millisecond' end)))
    from unnest(p_ids, p_runs, p_from, p_holds, p_delays, p_reasons, p_errors, p_messages, p_begun)
           as d(id, run, source, hold, delay, reason, error, message, begun)
    where j.id = d.id and j.runs = d.run - 1 and v_at[d.source] is not null
    returning j.id, j.lane_id, j.hold, j.unique_key),
  counted as (
    insert into signalbox.tally (lane_id, processing, scheduled, retrying)
    select lane_id, -count(*), count(*) filter (where hold = 'scheduled'), count(*) filter (where hold = 'retrying')
    from back group by lane_id),
  unslotted as (delete from signalbox.slot s using back b where s.job_id = b.id),
  released as (
    delete from signalbox.unique_key u using back b
    where b.unique_key is not null and u.key = b.unique_key and u.job_id = b.id
      and not coalesce(b.hold, 'queued') = any(u.states)),
  settled as (delete from signalbox.claim c where c.id = any(p_done))
  select array_agg(id) into v_held from back;
  return case when cardinality(v_held) = cardinality(p_ids) then null else coalesce(v_held, '{}') end;
end $$;

-- Takes hold of claims whose jobs somebody else than their worker is to change. Answers those that the worker is
-- settling at this moment: their jobs are left to it.
create function signalbox.busy_claims(p_claims bigint[]) returns bigint[]
language plpgsql
set plan_cache_mode = force_generic_plan set enable_seqscan = off set enable_bitmapscan = off
set enable_hashjoin = off set enable_mergejoin = off set jit = off as $$
declare
  v_held bigint[];
begin
  if cardinality(p_claims) = 0 then
    return '{}';
  end if;
  v_held := array(select c.id from signalbox.claim c where c.id = any(p_claims) for update skip locked);
  return array(select p.id from unnest(p_claims) as p(id) where p.id <> all(v_held));
end $$;

-- Ends jobs without their worker: those that wait, and those whose worker is dead or will not stop. The caller
-- holds the lock of the claims. A job that its worker is settling at this moment is left out. The time of the start and
-- the number of runs take a present run into account.
create function signalbox.end_jobs(p_ids uuid[], p_status text, p_reason text, p_error jsonb, p_crashed boolean)
returns setof uuid
language plpgsql
set plan_cache_mode = force_generic_plan set enable_seqscan = off set enable_bitmapscan = off
set enable_hashjoin = off set enable_mergejoin = off set enable_material = off set jit = off as $$
#variable_conflict use_column
declare
  v_busy bigint[];
begin
  v_busy := signalbox.busy_claims(array(select r.claim_id from signalbox.running r where r.job_id = any(p_ids)));
  return query
  with busy as materialized (select * from signalbox.running),
  ended as (
    delete from signalbox.job j using unnest(p_ids) as d(id)
    where j.id = d.id
      and not exists (select from busy b where b.job_id = j.id and b.runs = j.runs and b.claim_id = any(v_busy))
    returning j.*, (select b.claimed_at from busy b where b.job_id = j.id and b.runs = j.runs) as claimed_at,
              (select b.worker_id from busy b where b.job_id = j.id and b.runs = j.runs) as worker_id),
  kept as (
    insert into signalbox.finished
      (id, lane_id, priority, place, created_at, runs, failures, crashes, max_attempts, timeout_ms, reason, run_at,
       started_at, touched_at, expires_at, deadline_at, cancel_requested_at, limit_key, limit_max, unique_key, owner,
       tags, trace_parent, input, error, progress, events, status, finished_at, worker_id, result)
    select id, lane_id, priority, place, created_at, case when claimed_at is null then runs else runs + 1 end,
       failures, case when p_crashed then crashes + 1 else crashes end, max_attempts, timeout_ms, p_reason, run_at,
       coalesce(claimed_at, started_at), touched_at, expires_at, deadline_at,
       case when p_status = 'cancelled' then coalesce(cancel_requested_at, now()) else cancel_requested_at end,
       limit_key, limit_max, unique_key, owner, tags, trace_parent, input,
       coalesce(p_error || jsonb_build_object('attempt', case when claimed_at is null then runs else runs + 1 end), error),
       progress, events, p_status, now(), worker_id, null
    from ended),
  counted as (
    insert into signalbox.tally (lane_id, live, processing, scheduled, retrying, failed, cancelled)
    select lane_id, -count(*), -count(claimed_at), -count(*) filter (where hold = 'scheduled'),
           -count(*) filter (where hold = 'retrying'),
           count(*) filter (where p_status = 'failed'), count(*) filter (where p_status = 'cancelled')
    from ended group by lane_id),
  unslotted as (delete from signalbox.slot s using ended e where s.job_id = e.id),
  -- One that could be claimed had been let in to room of its key, which the next can have now. One that waited for its
  -- key may have been the first, and the next may allow more of the key at once.
  freed as (
    insert into signalbox.freed (keys)
    select array_agg(distinct e.limit_key) from ended e
    where e.limit_key is not null and (e.hold is null or e.hold = 'limited') and e.claimed_at is null having count(*) > 0),
  released as (
    delete from signalbox.unique_key u using ended e
    where e.unique_key is not null and u.key = e.unique_key and u.job_id = e.id and not p_status = any(u.states))
  select id from ended;
end $$;

-- Ends a job that waits; asks the worker of one that runs to stop. Answers the state it found; null: no such job.
create function signalbox.cancel(p_id uuid) returns text
language plpgsql set lock_timeout = '5s' as $$
begin
  perform signalbox.lock_claims();
  -- A worker may be ending it or putting it back at this moment: without waiting for that, the wish would meet neither
  -- the run that is over nor the job that waits, and be lost.
  perform from signalbox.claim c
  where c.id in (select r.claim_id from signalbox.running r where r.job_id = p_id) for update;
  perform from signalbox.job j where j.id = p_id for update;
  if exists (select from signalbox.running r join signalbox.job j on j.id = r.job_id and j.runs = r.runs
             where r.job_id = p_id) then
    update signalbox.job j
    set cancel_requested_at = now(), touched_at = now(),
        events = signalbox.remember(signalbox.history(j),
          signalbox.begun(signalbox.history(j), j.runs + 1, r.claimed_at, r.worker_id),
          signalbox.event(now(), 'cancel_requested', j.runs + 1, '{}'))
    from signalbox.running r
    where j.id = p_id and r.job_id = j.id and r.runs = j.runs and j.cancel_requested_at is null;
    perform pg_notify('signalbox', 'job:' || p_id);
    return 'processing';
  end if;
  -- It does not run, or its worker has put it back or ended it this moment; it cannot be claimed again meanwhile.
  if exists (select from signalbox.end_jobs(array[p_id], 'cancelled', 'cancelled', null, false)) then
    perform pg_notify('signalbox', 'job:' || p_id);
    return 'cancelled';
  end if;
  return null;
end $$;

-- Moves jobs whose time has come to where they are claimed. Rows that somebody else moves are skipped.
create function signalbox.promote(p_limit integer) returns table (queue text, moved bigint)
language plpgsql
set plan_cache_mode = force_generic_plan set enable_seqscan = off set enable_bitmapscan = off
set enable_hashjoin = off set enable_mergejoin = off set jit = off as $$
#variable_conflict use_column
begin
  return query
  with due as (
    select j.id, j.hold, row_number() over () as ord from (
      select j.id, j.hold from signalbox.job j
      where j.hold in ('scheduled', 'retrying') and j.run_at <= now()
      order by j.run_at limit p_limit for update skip locked) as j),
  promoted as (
    update signalbox.job j
    set hold = null, place = signalbox.place_of(now()) + due.ord, touched_at = now(),
        reason = case when j.reason in ('snoozed', 'rate_limited') then null else j.reason end,
        events = signalbox.remember(signalbox.history(j), signalbox.event(now(), 'queued', j.runs, '{}'))
    from due where j.id = due.id
    returning j.id, j.lane_id, j.unique_key, due.hold),
  counted as (
    insert into signalbox.tally (lane_id, scheduled, retrying)
    select lane_id, -count(*) filter (where hold = 'scheduled'), -count(*) filter (where hold = 'retrying')
    from promoted group by lane_id),
  released as (
    delete from signalbox.unique_key u using promoted p
    where p.unique_key is not null and u.key = p.unique_key and u.job_id = p.id and not 'queued' = any(u.states))
  select l.queue, count(*) from promoted p join signalbox.lane l on l.id = p.lane_id group by l.queue;
end $$;

-- The events of an ended job, its last run and its end included.
create function signalbox.whole_history(f signalbox.finished) returns jsonb
language plpgsql stable as $$
declare
  v_before jsonb := coalesce(f.events, signalbox.birth(f.created_at, f.run_at));
  v_told integer := (select max((e ->> 'attempt')::integer) from jsonb_array_elements(v_before) as e);
begin
  return signalbox.remember(v_before,
    case when f.runs > v_told then
      signalbox.event(f.started_at, 'processing', f.runs, jsonb_build_object('worker_id', f.worker_id)) end,
    signalbox.event(f.finished_at, f.status, f.runs, jsonb_build_object(
      'reason', f.reason, 'error', case when f.status = 'failed' then f.error - 'stack' end)));
end $$;

-- Queues an ended job anew with all its attempts. Null: there is none such, it succeeded, or another job has its
-- unique key by now.
create function signalbox.retry(p_id uuid) returns uuid
language plpgsql as $$
declare
  f signalbox.finished;
begin
  select * into f from signalbox.finished x where x.id = p_id and x.status in ('failed', 'cancelled') for update;
  if f.id is null then
    return null;
  end if;
  if f.unique_key is not null then
    insert into signalbox.unique_key as u (key, job_id, states)
    values (f.unique_key, f.id, '{scheduled,blocked,queued,processing,retrying}')
    on conflict (key) do update
    set job_id = excluded.job_id,
        states = case when u.job_id = excluded.job_id then u.states else excluded.states end,
        until = case when u.job_id = excluded.job_id then u.until end
      where u.until <= now() or u.job_id = excluded.job_id;
    if not found then
      return null;
    end if;
  end if;
  delete from signalbox.finished x where x.id = p_id;
  insert into signalbox.job
    (id, lane_id, priority, place, created_at, runs, max_attempts, timeout_ms, reason, run_at, started_at, touched_at,
     limit_key, limit_max, unique_key, owner, tags, trace_parent, input, events)
  values
    (f.id, f.lane_id, f.priority, signalbox.place_of(now()), f.created_at, f.runs, f.max_attempts, f.timeout_ms,
     'retried', now(), f.started_at, now(), f.limit_key, f.limit_max, f.unique_key, f.owner, f.tags, f.trace_parent,
     f.input, signalbox.remember(signalbox.whole_history(f),
       signalbox.event(now(), 'queued', f.runs, '{"reason": "retried"}')));
  insert into signalbox.tally (lane_id, live, failed, cancelled)
  values (f.lane_id, 1, -(f.status = 'failed')::integer, -(f.status = 'cancelled')::integer);
  perform pg_notify('signalbox', 'job:' || p_id), pg_notify('signalbox', 'queue:' || l.queue)
  from signalbox.lane l where l.id = f.lane_id;
  return p_id;
end $$;

-- Down Migration

drop function signalbox.retry(uuid);
drop function signalbox.whole_history(signalbox.finished);
drop function signalbox.promote(integer);
drop function signalbox.cancel(uuid);
drop function signalbox.end_jobs(uuid[], text, text, jsonb, boolean);
drop function signalbox.busy_claims(bigint[]);
drop function signalbox.give_back(
  uuid, bigint[], smallint[], uuid[], integer[], text[], double precision[], text[], text[], text[], boolean[], bigint[]);
drop function signalbox.finish(
  uuid, bigint[], smallint[], uuid[], integer[], text[], text[], text[], text[], boolean[], bigint[]);
drop function signalbox.span(double precision);
drop function signalbox.release_keys(uuid[], text[], text[]);
drop function signalbox.claimed_at(uuid, bigint[]);
