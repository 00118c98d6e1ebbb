-- Up Migration

-- Every move of a job between its states is one of the functions below. They pin their plans: tables that are
-- emptied and filled all day make the planner's statistics worth nothing.

-- Claims are made one at a time, so that limits are exact without a lock per limit: who holds this lock sees
-- every claim made before. Whatever ends a waiting job holds it too, else a claim could start what has ended.
create function signalbox.lock_claims() returns void
language plpgsql set lock_timeout = '5s' as $$
begin
  perform pg_advisory_xact_lock(1397181507, 1);
end $$;

-- The event that an attempt began, unless something of it has been told already: its own event may be among those
-- that a long history has dropped.
create function signalbox.begun(events jsonb, run integer, at timestamptz, worker uuid) returns jsonb
language sql stable parallel safe as $$
  select case when not events @> jsonb_build_array(jsonb_build_object('attempt', run))
    then signalbox.event(at, 'processing', run, jsonb_build_object('worker_id', worker)) end
$$;

-- How many more jobs of a queue or task may start now; null: no bound.
create function signalbox.room(g signalbox.gate, at timestamptz) returns integer
language sql stable as $$
  select case
    when g.paused_at is not null or g.closed_until > at then 0
    else least(
      g.max_running - (select count(*) from signalbox.slot s where s.limiter = g.kind || ':' || g.name),
      floor(least(g.rate_count, g.tokens + greatest(extract(epoch from at - g.refilled_at), 0) * 1000
        * g.rate_count / g.rate_period_ms)))::integer end
$$;

-- When a closed or empty gate opens again; null: it is open, or opens not by time alone. A moment late, because who comes a rounding error
-- early finds no whole token and is told of no later time.
create function signalbox.opens_at(g signalbox.gate, at timestamptz) returns timestamptz
language sql stable as $$
  select case
    when g.paused_at is not null then null
    when g.closed_until > at then g.closed_until
    when g.rate_count is not null and g.tokens < 1 then g.refilled_at
      + ((1 - g.tokens) * g.rate_period_ms / g.rate_count + 0.01) * interval '1 millisecond' end
$$;

-- What a worker is told of a job that it claimed, as JSON text. Built by concat because json_build_array looks up
-- the type of each value for each row. Nothing in it may keep it from being inlined: a call costs ten times as much.
create function signalbox.brief(j signalbox.job, input json) returns text
language sql stable as $$
  select concat('["', j.id, '",', j.lane_id, ',', j.runs + 1, ',', j.failures, ',', j.crashes, ',', j.max_attempts, ',',
    j.timeout_ms, ',', input,
    case when coalesce(j.owner, j.limit_key, j.trace_parent) is not null or j.tags is not null
           or least(j.expires_at, j.deadline_at) is not null
         then ',' || json_build_object('owner', j.owner, 'tags', j.tags, 'trace_parent', j.trace_parent,
           'left_ms', extract(epoch from j.deadline_at - statement_timestamp()) * 1000,
           'start_ms', case when j.started_at is null
             then extract(epoch from j.expires_at - statement_timestamp()) * 1000 end)::text end, ']')
$$;

-- The jobs of a claim.
create function signalbox.claimed(p_claim bigint) returns text
language plpgsql stable
set plan_cache_mode = force_generic_plan set enable_seqscan = off set enable_bitmapscan = off
set enable_hashjoin = off set enable_mergejoin = off set jit = off as $$
begin
  return (
    select '[' || string_agg(signalbox.brief(j, coalesce(j.input, p.input)), ',' order by r.ord) || ']'
    from signalbox.claim c
    cross join lateral unnest(c.job_ids, c.runs) with ordinality as r(id, runs, ord)
    join signalbox.job j on j.id = r.id and j.runs = r.runs
    left join signalbox.payload p on j.input is null and p.job_id = j.id
    where c.id = p_claim);
end $$;

-- Claims up to p_limit jobs for a worker whose lease is valid. The row of a job is not touched.
-- p_floor_*: the place up to which this worker has just claimed everything; null: look from the beginning.
-- p_suspects: whether jobs that took a worker with them may be among them; they must not be taken ahead of time.
-- jobs is null when it could be more than a socket takes: a client that is frozen must not hold the lock. Such a
-- claim is read afterwards with signalbox.claimed. again: there may be more to take at once.
create function signalbox.claim(
  p_worker uuid, p_queues text[], p_tasks text[], p_limit integer, p_suspects boolean,
  p_floor_priority smallint, p_floor_place bigint,
  out claim_id bigint, out taken integer, out limited boolean, out last_priority smallint, out last_place bigint,
  out jobs text, out opens_in_ms double precision, out again boolean, out lost boolean)
language plpgsql
set plan_cache_mode = force_generic_plan set enable_seqscan = off set enable_bitmapscan = off
set enable_hashjoin = off set enable_mergejoin = off set enable_material = off set jit = off as $$
declare
  v_now timestamptz;
  v_lanes integer[];
  v_rooms integer[];
  v_opens timestamptz;
  v_gated boolean;
  v_keys text[];
  v_ids uuid[];
  v_runs integer[];
  v_lane integer[];
  v_key text[];
  v_max integer[];
  v_bytes bigint;
  v_all_bytes bigint := 0;
  v_docs text;
  v_over uuid[];
  v_all_ids uuid[] := '{}';
  v_all_runs integer[] := '{}';
  v_all_lane integer[] := '{}';
  v_all_key text[] := '{}';
  v_all_unique text[];
  v_unique text[];
  v_want integer;
  v_seen integer;
  v_priority smallint;
  v_place bigint;
begin
  taken := 0;
  limited := false;
  again := false;
  lost := false;
  perform signalbox.lock_claims();
  -- A lost claim only runs again; nobody waits for its commit to reach the disk.
  perform set_config('synchronous_commit', 'off', true);
  v_now := clock_timestamp();
  if not exists (select from signalbox.worker w
                 where w.id = p_worker and w.status = 'running' and w.lease_expires_at > v_now) then
    lost := true;
    return;
  end if;

  -- Jobs that wait for a slot of their key, as many as there are slots now.
  with gone as (delete from signalbox.freed f returning f.keys)
  select array_agg(distinct k) into v_keys from gone cross join lateral unnest(gone.keys) as k;
  if v_keys is not null and exists (select from signalbox.job j where j.hold = 'limited') then
    with woken as (
    update signalbox.job j
    set hold = null, place = greatest(j.place, p_floor_place)
    from (
      select n.id from unnest(v_keys) as k(key)
      cross join lateral (
        select j1.limit_max - (select count(*) from signalbox.slot s where s.limiter = 'key:' || k.key) as room
        from signalbox.job j1 where j1.hold = 'limited' and j1.limit_key = k.key
        order by j1.priority, j1.place limit 1) as r
      cross join lateral (
        select j2.id from signalbox.job j2 where j2.hold = 'limited' and j2.limit_key = k.key
        order by j2.priority, j2.place limit greatest(r.room, 0)
        for update skip locked) as n
    ) as next
    where j.id = next.id
    returning j.lane_id)
    -- A key is shared by all tasks: its next job may be one that only others can take.
    select count(pg_notify('signalbox', 'queue:' || o.queue)) into v_seen
    from (select distinct l.queue from woken w join signalbox.lane l on l.id = w.lane_id
          where not (l.task = any(p_tasks) and (p_queues is null or l.queue = any(p_queues)))) as o;
  end if;

  with mine as (
    select l.id, least(case when q.name is not null then signalbox.room(q, v_now) end,
                       case when t.name is not null then signalbox.room(t, v_now) end) as room,
           greatest(case when q.name is not null then signalbox.opens_at(q, v_now) end,
                    case when t.name is not null then signalbox.opens_at(t, v_now) end) as opens
    from signalbox.lane l
    left join signalbox.gate q on q.kind = 'queue' and q.name = l.queue
    left join signalbox.gate t on t.kind = 'task' and t.name = l.task
    where l.task = any(p_tasks) and (p_queues is null or l.queue = any(p_queues)))
  select array_agg(m.id) filter (where m.room is null or m.room > 0),
         array_agg(m.room) filter (where m.room is null or m.room > 0),
         min(m.opens) filter (where m.room <= 0 and m.opens > v_now),
         bool_or(m.room is not null)
  into v_lanes, v_rooms, v_opens, v_gated
  from mine m;
  opens_in_ms := extract(epoch from v_opens - v_now) * 1000;
  if v_lanes is null then
    return;
  end if;

  -- Turns only repeat when jobs had to be put behind their key's limit.
  for turn in 1..20 loop
    v_want := p_limit - cardinality(v_all_ids);
    if turn > 1 then
      v_want := greatest(v_want, 100);
    end if;
    with busy as materialized (select r.job_id, r.runs from signalbox.running r),
    candidate as (
      select c.*, l.lane, l.room
      from unnest(v_lanes, v_rooms) as l(lane, room)
      cross join lateral (
        select j.id, j.runs, j.priority, j.place, j.limit_key, j.limit_max, j.unique_key,
               pg_column_size(j.input) + 100 as bytes, case when j.input is not null then signalbox.brief(j, j.input) end as doc
        from signalbox.job j
        where j.lane_id = l.lane and j.hold is null
          and (j.priority, j.place) >= (
            case when l.room is null then coalesce(p_floor_priority, -32768) else -32768 end::smallint,
            case when l.room is null then coalesce(p_floor_place, 0) else 0 end)
          and (j.id, j.runs) not in (select b.job_id, b.runs from busy b)
          and (turn = 1 or j.id <> all(v_all_ids))
          and (p_suspects or j.crashes = 0)
          and (j.expires_at is null or j.started_at is not null or j.expires_at > v_now)
          and (j.deadline_at is null or j.deadline_at > v_now)
          and j.cancel_requested_at is null
        order by j.lane_id, j.priority, j.place
        limit least(v_want, l.room)) as c
      order by c.priority, c.place
      limit v_want)
    select array_agg(c.id), array_agg(c.runs), array_agg(c.lane), array_agg(c.limit_key), array_agg(c.limit_max),
           sum(coalesce(c.bytes, 1000000)), string_agg(c.doc, ','),
           array_agg(c.unique_key) filter (where c.unique_key is not null),
           count(*) filter (where c.limit_key is not null), (array_agg(c.priority))[count(*)::integer], (array_agg(c.place))[count(*)::integer]
    into v_ids, v_runs, v_lane, v_key, v_max, v_bytes, v_docs, v_unique, v_seen, v_priority, v_place
    from candidate c;
    exit when v_ids is null;
    v_all_bytes := v_all_bytes + v_bytes;
    if turn = 1 then
      last_priority := v_priority;
      last_place := v_place;
    else
      last_priority := null;
      -- It tells of this turn only, and of more than is taken.
      v_docs := null;
    end if;

    if v_gated then
      -- Several lanes may share a gate: each saw the whole room of it.
      with c as (
        select c.*, row_number() over (partition by l.queue order by c.ord) as in_queue,
               row_number() over (partition by l.task order by c.ord) as in_task,
               case when q.name is not null then signalbox.room(q, v_now) end as queue_room,
               case when t.name is not null then signalbox.room(t, v_now) end as task_room
        from unnest(v_ids, v_runs, v_lane, v_key, v_max) with ordinality as c(id, runs, lane, key, max, ord)
        join signalbox.lane l on l.id = c.lane
        left join signalbox.gate q on q.kind = 'queue' and q.name = l.queue
        left join signalbox.gate t on t.kind = 'task' and t.name = l.task)
      select array_agg(c.id order by c.ord), array_agg(c.runs order by c.ord), array_agg(c.lane order by c.ord),
             array_agg(c.key order by c.ord), array_agg(c.max order by c.ord)
      into v_ids, v_runs, v_lane, v_key, v_max
      from c
      where (c.queue_room is null or c.in_queue <= c.queue_room) and (c.task_room is null or c.in_task <= c.task_room);
      v_docs := null;
      exit when v_ids is null;
    end if;

    v_over := null;
    if v_seen > 0 then
      -- nth: what the use of the key would be with this job.
      with c as (
        select c.*, case when c.key is not null then
            row_number() over (partition by c.key order by c.ord)
            + (select count(*) from signalbox.slot s where s.limiter = 'key:' || c.key)
            + (select count(*) from unnest(v_all_key) as a(key) where turn > 1 and a.key = c.key) end as nth
        from unnest(v_ids, v_runs, v_lane, v_key, v_max) with ordinality as c(id, runs, lane, key, max, ord))
      select array_agg(c.id order by c.ord) filter (where c.key is null or c.nth <= c.max),
             array_agg(c.runs order by c.ord) filter (where c.key is null or c.nth <= c.max),
             array_agg(c.lane order by c.ord) filter (where c.key is null or c.nth <= c.max),
             array_agg(c.key order by c.ord) filter (where c.key is null or c.nth <= c.max),
             array_agg(c.id) filter (where c.nth > c.max)
      into v_ids, v_runs, v_lane, v_key, v_over
      from c;
      if v_over is not null then
        v_docs := null;
        update signalbox.job j set hold = 'limited' from unnest(v_over) as o(id) where j.id = o.id;
      end if;
    end if;
    if v_ids is not null then
      -- A later turn looked at more than is wanted.
      v_all_ids := (v_all_ids || v_ids)[1:p_limit];
      v_all_runs := (v_all_runs || v_runs)[1:p_limit];
      v_all_lane := (v_all_lane || v_lane)[1:p_limit];
      v_all_key := (v_all_key || v_key)[1:p_limit];
      v_all_unique := v_all_unique || v_unique;
    end if;
    again := v_over is not null and cardinality(v_all_ids) < p_limit;
    exit when not again or v_gated;
  end loop;

  taken := cardinality(v_all_ids);
  if taken = 0 then
    return;
  end if;
  insert into signalbox.claim (worker_id, claimed_at, job_ids, runs)
  values (p_worker, v_now, v_all_ids, v_all_runs) returning id into claim_id;

  insert into signalbox.tally (lane_id, processing)
  select c.lane, count(*) from unnest(v_all_lane) as c(lane) group by c.lane;

  if exists (select from unnest(v_all_key) as k(key) where k.key is not null) then
    limited := true;
    insert into signalbox.slot (limiter, job_id)
    select 'key:' || c.key, c.id from unnest(v_all_ids, v_all_key) as c(id, key) where c.key is not null
    on conflict do nothing;
  end if;
  if v_gated then
    limited := true;
    insert into signalbox.slot (limiter, job_id)
    select g.kind || ':' || g.name, c.id
    from unnest(v_all_ids, v_all_lane) as c(id, lane)
    join signalbox.lane l on l.id = c.lane
    join signalbox.gate g on (g.kind = 'queue' and g.name = l.queue) or (g.kind = 'task' and g.name = l.task)
    where g.max_running is not null
    on conflict do nothing;
    update signalbox.gate g
    set tokens = least(g.rate_count, g.tokens + greatest(extract(epoch from v_now - g.refilled_at), 0) * 1000
          * g.rate_count / g.rate_period_ms) - u.n,
        refilled_at = v_now
    from (select r.kind, r.name, count(*) as n
          from unnest(v_all_lane) as c(lane)
          join signalbox.lane l on l.id = c.lane
          join signalbox.gate r on (r.kind = 'queue' and r.name = l.queue) or (r.kind = 'task' and r.name = l.task)
          where r.rate_count is not null group by r.kind, r.name) as u
    where g.kind = u.kind and g.name = u.name;
    -- What was taken may have emptied a rate: the worker must know when it opens.
    select extract(epoch from min(o.at) - v_now) * 1000 into opens_in_ms
    from (select greatest(case when q.name is not null then signalbox.opens_at(q, v_now) end,
                          case when t.name is not null then signalbox.opens_at(t, v_now) end) as at
          from signalbox.lane l
          left join signalbox.gate q on q.kind = 'queue' and q.name = l.queue
          left join signalbox.gate t on t.kind = 'task' and t.name = l.task
          where l.task = any(p_tasks) and (p_queues is null or l.queue = any(p_queues))) as o
    where o.at > v_now;
  end if;
  if v_all_unique is not null then
    delete from signalbox.unique_key u using unnest(v_all_unique) as k(key)
    where u.key = k.key and u.job_id = any(v_all_ids) and not 'processing' = any(u.states);
  end if;
  if v_all_bytes <= 49152 then
    jobs := case when v_docs is null then signalbox.claimed(claim_id) else '[' || v_docs || ']' end;
  end if;
end $$;

-- Ends attempts for good. Each is fenced by its claim, which must be of this worker, and by the job's number of
-- runs. p_claims are the claims, p_from says for each job which of them it is from. A null array stands for: all
-- succeeded, no reasons, results, errors or limits. p_done: claims of which every job is settled now.
-- Answers null when every fence held, else the jobs whose did.
create function signalbox.finish(
  p_worker uuid, p_claims bigint[], p_from smallint[], p_ids uuid[], p_runs integer[], p_statuses text[],
  p_reasons text[], p_results text[], p_errors text[], p_limited boolean[], p_done bigint[]) returns uuid[]
language plpgsql
set plan_cache_mode = force_generic_plan set enable_seqscan = off set enable_bitmapscan = off
set enable_hashjoin = off set enable_mergejoin = off set enable_material = off set jit = off as $$
declare
  v_at timestamptz[] := array(
    select c.claimed_at from unnest(p_claims) with ordinality as p(id, ord)
    left join signalbox.claim c on c.id = p.id and c.worker_id = p_worker order by p.ord);
  v_held uuid[];
begin
  with ended as (
    delete from signalbox.job j
    using unnest(p_ids, p_runs, p_from, p_statuses, p_reasons, p_results, p_errors, p_limited)
            as d(id, run, source, status, reason, result, error, limited)
    where j.id = d.id and j.runs = d.run - 1 and v_at[d.source] is not null
    returning j.*, coalesce(d.status, 'succeeded') as end_status, d.reason as end_reason, d.result as end_result,
              d.error as end_error, d.limited as end_limited, v_at[d.source] as claimed_at),
  kept as (
    insert into signalbox.finished
      (id, lane_id, priority, place, created_at, runs, failures, crashes, max_attempts, timeout_ms, reason, run_at,
       started_at, touched_at, expires_at, deadline_at, cancel_requested_at, limit_key, limit_max, unique_key, owner,
       tags, trace_parent, input, error, progress, events, status, worker_id, result)
    select id, lane_id, priority, place, created_at, runs + 1,
       case when end_status = 'failed' then failures + 1 else failures end, crashes, max_attempts, timeout_ms,
       end_reason, run_at, claimed_at, touched_at, expires_at, deadline_at, cancel_requested_at, limit_key, limit_max,
       unique_key, owner, tags, trace_parent, input,
       case when end_status <> 'succeeded' then coalesce(end_error::jsonb, error) end, progress, events,
       end_status, p_worker, end_result::json
    from ended),
  counted as (
    insert into signalbox.tally (lane_id, live, processing, succeeded, failed, cancelled)
    select lane_id, -count(*), -count(*), count(*) filter (where end_status = 'succeeded'),
           count(*) filter (where end_status = 'failed'), count(*) filter (where end_status = 'cancelled')
    from ended group by lane_id),
  unslotted as (
    delete from signalbox.slot s using ended e where e.end_limited and s.job_id = e.id
    returning case when s.limiter = 'key:' || e.limit_key then e.limit_key end as key),
  freed as (
    insert into signalbox.freed (keys)
    select array_agg(distinct key) from unslotted where key is not null having count(key) > 0),
  released as (
    delete from signalbox.unique_key u using ended e
    where e.unique_key is not null and u.key = e.unique_key and u.job_id = e.id and not e.end_status = any(u.states)),
  settled as (delete from signalbox.claim c where c.id = any(p_done))
  select array_agg(id) into v_held from ended;
  return case when cardinality(v_held) = cardinality(p_ids) then null else coalesce(v_held, '{}') end;
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
  v_at timestamptz[] := array(
    select c.claimed_at from unnest(p_claims) with ordinality as p(id, ord)
    left join signalbox.claim c on c.id = p.id and c.worker_id = p_worker order by p.ord);
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
    returning j.id, j.lane_id, j.hold, j.limit_key, j.unique_key),
  counted as (
    insert into signalbox.tally (lane_id, processing, scheduled, retrying)
    select lane_id, -count(*), count(*) filter (where hold = 'scheduled'), count(*) filter (where hold = 'retrying')
    from back group by lane_id),
  unslotted as (
    delete from signalbox.slot s using back b where s.job_id = b.id
    returning case when s.limiter = 'key:' || b.limit_key then b.limit_key end as key),
  freed as (
    insert into signalbox.freed (keys)
    select array_agg(distinct key) from unslotted where key is not null having count(key) > 0),
  released as (
    delete from signalbox.unique_key u using back b
    where b.unique_key is not null and u.key = b.unique_key and u.job_id = b.id
      and not coalesce(b.hold, 'queued') = any(u.states)),
  settled as (delete from signalbox.claim c where c.id = any(p_done))
  select array_agg(id) into v_held from back;
  return case when cardinality(v_held) = cardinality(p_ids) then null else coalesce(v_held, '{}') end;
end $$;

-- Ends jobs without their worker: those that wait, and those whose worker is dead or will not stop. The caller
-- holds the lock of the claims. started_at and the number of runs take a present run into account.
create function signalbox.end_jobs(p_ids uuid[], p_status text, p_reason text, p_error jsonb, p_crashed boolean)
returns setof uuid
language plpgsql
set plan_cache_mode = force_generic_plan set enable_seqscan = off set enable_bitmapscan = off
set enable_hashjoin = off set enable_mergejoin = off set enable_material = off set jit = off as $$
#variable_conflict use_column
begin
  return query
  with busy as materialized (select * from signalbox.running),
  ended as (
    delete from signalbox.job j using unnest(p_ids) as d(id)
    where j.id = d.id
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
  unslotted as (
    delete from signalbox.slot s using ended e where s.job_id = e.id
    returning case when s.limiter = 'key:' || e.limit_key then e.limit_key end as key),
  freed as (
    insert into signalbox.freed (keys)
    select array_agg(distinct key) from unslotted where key is not null having count(key) > 0),
  released as (
    delete from signalbox.unique_key u using ended e
    where e.unique_key is not null and u.key = e.unique_key and u.job_id = e.id and not p_status = any(u.states))
  select id from ended;
end $$;

-- Ends a job that waits; asks the worker of one that runs to stop. Answers the state it found; null: no such job.
create function signalbox.cancel(p_id uuid) returns text
language plpgsql as $$
begin
  perform signalbox.lock_claims();
  update signalbox.job j
  set cancel_requested_at = now(), touched_at = now(),
      events = signalbox.remember(signalbox.history(j),
        signalbox.begun(signalbox.history(j), j.runs + 1, r.claimed_at, r.worker_id),
        signalbox.event(now(), 'cancel_requested', j.runs + 1, '{}'))
  from signalbox.running r
  where j.id = p_id and r.job_id = j.id and r.runs = j.runs and j.cancel_requested_at is null;
  if found or exists (select from signalbox.running r join signalbox.job j on j.id = r.job_id and j.runs = r.runs
                      where r.job_id = p_id and j.cancel_requested_at is not null) then
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
  released as (
    delete from signalbox.unique_key u using promoted p
    where p.unique_key is not null and u.key = p.unique_key and u.job_id = p.id and not 'queued' = any(u.states)),
  counted as (
    insert into signalbox.tally (lane_id, scheduled, retrying)
    select lane_id, -count(*) filter (where hold = 'scheduled'), -count(*) filter (where hold = 'retrying')
    from promoted group by lane_id)
  select l.queue, count(*) from promoted p join signalbox.lane l on l.id = p.lane_id group by l.queue;
end $$;

-- Takes the jobs of dead workers away from them. A job that has taken p_max_crashes workers with it is failed.
create function signalbox.rescue(p_max_crashes integer) returns table (job_id uuid, queue text, status text)
language plpgsql as $$
#variable_conflict use_column
declare
  v_dead uuid[];
  v_claims bigint[];
  v_ids uuid[];
  v_at timestamptz[];
  v_workers uuid[];
  v_fates text[];
  v_queues text[];
begin
  if not exists (select from signalbox.worker w where w.lease_expires_at <= now())
     and not exists (select from signalbox.claim c
                     where not exists (select from signalbox.worker w where w.id = c.worker_id)) then
    return;
  end if;
  perform signalbox.lock_claims();
  -- Locked, so that a renewal that is under way is either seen or finds the row gone.
  select array_agg(d.id) into v_dead
  from (select w.id from signalbox.worker w where w.lease_expires_at <= clock_timestamp() for update skip locked) as d;
  select array_agg(c.id) into v_claims
  from signalbox.claim c
  where c.worker_id = any(v_dead) or not exists (select from signalbox.worker w where w.id = c.worker_id);
  select array_agg(o.id), array_agg(o.claimed_at), array_agg(o.worker_id), array_agg(o.fate), array_agg(o.queue)
  into v_ids, v_at, v_workers, v_fates, v_queues
  from (
    select j.id, r.claimed_at, r.worker_id, l.queue,
           case when j.cancel_requested_at is not null then 'cancelled'
                when j.crashes + 1 >= p_max_crashes then 'failed' else 'queued' end as fate
    from signalbox.running r
    join signalbox.job j on j.id = r.job_id and j.runs = r.runs
    join signalbox.lane l on l.id = j.lane_id
    where r.claim_id = any(v_claims)
    for update of j) as o;
  perform signalbox.end_jobs(
    array(select o.id from unnest(v_ids, v_fates) as o(id, fate) where o.fate = 'cancelled'),
    'cancelled', 'cancelled', null, true);
  perform signalbox.end_jobs(
    array(select o.id from unnest(v_ids, v_fates) as o(id, fate) where o.fate = 'failed'),
    'failed', 'crashed', jsonb_build_object('type', 'worker_crashed', 'retryable', false,
      'message', format('The worker process died %s times while it ran this job.', p_max_crashes)), true);
  update signalbox.job j
  set runs = j.runs + 1, crashes = j.crashes + 1, reason = 'rescued', started_at = o.claimed_at, touched_at = now(),
      events = signalbox.remember(signalbox.history(j),
        signalbox.begun(signalbox.history(j), j.runs + 1, o.claimed_at, o.worker_id),
        signalbox.event(now(), 'queued', j.runs + 1, '{"reason": "rescued"}'))
  from unnest(v_ids, v_at, v_workers, v_fates) as o(id, claimed_at, worker_id, fate)
  where o.fate = 'queued' and j.id = o.id;
  insert into signalbox.tally (lane_id, processing)
  select j.lane_id, -count(*) from unnest(v_ids, v_fates) as o(id, fate) join signalbox.job j on j.id = o.id
  where o.fate = 'queued' group by j.lane_id;
  delete from signalbox.unique_key u using unnest(v_ids, v_fates) as o(id, fate), signalbox.job j
  where o.fate = 'queued' and j.id = o.id and u.key = j.unique_key and u.job_id = j.id and not 'queued' = any(u.states);
  with unslotted as (
    delete from signalbox.slot s where s.job_id = any(v_ids) returning s.limiter)
  insert into signalbox.freed (keys)
  select array_agg(distinct substr(u.limiter, 5)) from unslotted u where u.limiter like 'key:%' having count(*) > 0;
  delete from signalbox.claim c where c.id = any(v_claims);
  delete from signalbox.worker w where w.id = any(v_dead);
  perform pg_notify('signalbox', 'queue:' || q.name)
  from (select distinct o.name from unnest(v_queues, v_fates) as o(name, fate) where o.fate = 'queued') as q;
  return query select * from unnest(v_ids, v_queues, v_fates);
end $$;

-- Ends jobs that were not started in time or whose own deadline has passed. The worker of a running one does that
-- itself; it is only taken away from one that has not done so p_grace_ms later.
create function signalbox.end_overdue(p_limit integer, p_grace_ms double precision)
returns table (job_id uuid, reason text)
language plpgsql as $$
#variable_conflict use_column
declare
  v_ids uuid[];
  v_reasons text[];
begin
  if not exists (select from signalbox.job j where least(j.expires_at, j.deadline_at) <= now()) then
    return;
  end if;
  perform signalbox.lock_claims();
  select array_agg(o.id), array_agg(o.reason) into v_ids, v_reasons
  from (
    select j.id, case when j.deadline_at <= now() then 'deadline' else 'expired' end as reason
    from signalbox.job j
    where least(j.expires_at, j.deadline_at) <= now()
      and case when exists (select from signalbox.running r where r.job_id = j.id and r.runs = j.runs)
            then j.deadline_at <= now() - p_grace_ms * interval '1 millisecond'
            else j.deadline_at <= now() or (j.expires_at <= now() and j.started_at is null) end
    order by least(j.expires_at, j.deadline_at) limit p_limit) as o;
  perform signalbox.end_jobs(
    array(select o.id from unnest(v_ids, v_reasons) as o(id, reason) where o.reason = r.reason), 'failed', r.reason,
    jsonb_build_object('type', r.reason, 'retryable', false, 'message', r.message), false)
  from (values ('deadline', 'The deadline of the job passed.'),
               ('expired', 'The job was not started in time.')) as r(reason, message);
  return query select * from unnest(v_ids, v_reasons);
end $$;

-- Takes attempts away that are p_grace_ms over their time. Their worker lives, but does not do it: it counts as a
-- failed attempt, and the next one may start at once elsewhere.
create function signalbox.time_out(p_grace_ms double precision) returns setof uuid
language plpgsql as $$
declare
  v_ids uuid[];
  v_last uuid[];
begin
  if not exists (
    select from signalbox.running r join signalbox.job j on j.id = r.job_id and j.runs = r.runs
    where r.claimed_at + (j.timeout_ms + p_grace_ms) * interval '1 millisecond' < now()) then
    return;
  end if;
  perform signalbox.lock_claims();
  select array_agg(j.id), array_agg(j.id) filter (where j.failures + 1 >= j.max_attempts) into v_ids, v_last
  from signalbox.running r join signalbox.job j on j.id = r.job_id and j.runs = r.runs
  where r.claimed_at + (j.timeout_ms + p_grace_ms) * interval '1 millisecond' < now();
  perform signalbox.end_jobs(v_last, 'failed', 'attempts_exhausted', '{"type": "timeout", "retryable": true,
    "message": "The attempt took too long and its worker did not end it."}', false) where v_last is not null;
  with back as (
    update signalbox.job j
    set runs = j.runs + 1, failures = j.failures + 1, hold = 'retrying', run_at = now(), reason = 'timeout',
        started_at = r.claimed_at, touched_at = now(),
        error = jsonb_build_object('type', 'timeout', 'retryable', true, 'attempt', j.runs + 1,
          'message', 'The attempt took too long and its worker did not end it.'),
        events = signalbox.remember(signalbox.history(j),
          signalbox.begun(signalbox.history(j), j.runs + 1, r.claimed_at, r.worker_id),
          signalbox.event(now(), 'retrying', j.runs + 1, jsonb_build_object('reason', 'timeout', 'run_at', now())))
    from signalbox.running r
    where j.id = any(v_ids) and r.job_id = j.id and r.runs = j.runs
    returning j.id, j.lane_id, j.limit_key),
  counted as (
    insert into signalbox.tally (lane_id, processing, retrying)
    select lane_id, -count(*), count(*) from back group by lane_id),
  unslotted as (
    delete from signalbox.slot s using back b where s.job_id = b.id
    returning case when s.limiter = 'key:' || b.limit_key then b.limit_key end as key)
  insert into signalbox.freed (keys)
  select array_agg(distinct key) from unslotted where key is not null having count(key) > 0;
  return query select unnest(v_ids);
end $$;

-- Ends jobs that are to be cancelled and that nobody runs, or whose worker has not stopped p_grace_ms after the wish.
create function signalbox.end_cancelled(p_grace_ms double precision) returns setof uuid
language plpgsql as $$
begin
  if not exists (select from signalbox.job j where j.cancel_requested_at is not null) then
    return;
  end if;
  perform signalbox.lock_claims();
  return query select signalbox.end_jobs(array(
    select j.id from signalbox.job j
    where j.cancel_requested_at is not null
      and (j.cancel_requested_at < now() - p_grace_ms * interval '1 millisecond'
           or not exists (select from signalbox.running r where r.job_id = j.id and r.runs = j.runs))
    limit 1000), 'cancelled', 'cancelled', null, false);
end $$;

-- The events of an ended job, its last run and its end included.
create function signalbox.whole_history(f signalbox.finished) returns jsonb
language plpgsql stable as $$
declare
  v_before jsonb := coalesce(f.events, jsonb_build_array(
    signalbox.event(f.created_at, case when f.run_at > f.created_at then 'scheduled' else 'queued' end, 0,
      jsonb_build_object('run_at', case when f.run_at > f.created_at then f.run_at end)) || '{"seq": 1}'));
  v_told integer := (select max((e ->> 'attempt')::integer) from jsonb_array_elements(v_before) as e);
begin
  return signalbox.remember(v_before,
    case when f.runs > v_told then
      signalbox.event(f.started_at, 'processing', f.runs, jsonb_build_object('worker_id', f.worker_id)) end,
    signalbox.event(f.finished_at, f.status, f.runs, jsonb_build_object(
      'reason', f.reason, 'error', case when f.status = 'failed' then f.error - 'stack' end)));
end $$;

-- Gives back slots of jobs that do not run, and asks the claims to look at keys that have room and jobs waiting.
-- A limit that was set while a job ran leaves such a slot when that job ends; anything else would be a fault.
create function signalbox.heal_limits(out slots integer, out jobs integer)
language plpgsql as $$
declare
  v_keys text[];
begin
  slots := 0;
  jobs := 0;
  if not exists (select from signalbox.slot) and not exists (select from signalbox.job j where j.hold = 'limited') then
    return;
  end if;
  perform signalbox.lock_claims();
  delete from signalbox.slot s
  where not exists (select from signalbox.running r join signalbox.job j on j.id = r.job_id and j.runs = r.runs
                    where r.job_id = s.job_id);
  get diagnostics slots = row_count;
  -- One waiting job a key, by skipping from key to key along index job_limited.
  with recursive waiting as (
    (select j.limit_key, j.limit_max from signalbox.job j where j.hold = 'limited'
     order by j.limit_key, j.priority, j.place limit 1)
    union all
    select n.limit_key, n.limit_max
    from waiting w cross join lateral (
      select j.limit_key, j.limit_max from signalbox.job j where j.hold = 'limited' and j.limit_key > w.limit_key
      order by j.limit_key, j.priority, j.place limit 1) as n)
  select array_agg(w.limit_key), count(*) into v_keys, jobs
  from waiting w
  where w.limit_max > (select count(*) from signalbox.slot s where s.limiter = 'key:' || w.limit_key)
    and not exists (select from signalbox.freed f where w.limit_key = any(f.keys));
  if v_keys is not null then
    insert into signalbox.freed (keys) values (v_keys);
  end if;
  if v_keys is not null or slots > 0 then
    perform pg_notify('signalbox', 'resync:');
  end if;
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

-- Sets what a queue or task lets through. What runs already takes its slots here, under the lock of the claims, so that
-- a limit holds from the moment it is set. p_declared: what the code declares, when it is the code that sets it.
create function signalbox.set_limits(
  p_kind text, p_name text, p_set_max boolean, p_max integer, p_set_rate boolean, p_rate_count integer,
  p_rate_period_ms integer, p_declared jsonb) returns void
language plpgsql as $$
declare
  v_now timestamptz;
begin
  perform signalbox.lock_claims();
  v_now := clock_timestamp();
  insert into signalbox.gate as g (kind, name, max_running, rate_count, rate_period_ms, tokens, refilled_at, declared)
  values (p_kind, p_name, case when p_set_max then p_max end, case when p_set_rate then p_rate_count end,
          case when p_set_rate then p_rate_period_ms end, coalesce(p_rate_count, 0), v_now, coalesce(p_declared, '{}'))
  on conflict (kind, name) do update
  set max_running = case when p_set_max then p_max else g.max_running end,
      rate_count = case when p_set_rate then p_rate_count else g.rate_count end,
      rate_period_ms = case when p_set_rate then p_rate_period_ms else g.rate_period_ms end,
      -- What is left of the old rate, not a new burst: who sets a rate again and again gets no more through.
      tokens = case when not p_set_rate then g.tokens
        when g.rate_count is null then coalesce(p_rate_count, 0)
        else least(p_rate_count, g.rate_count, g.tokens + greatest(extract(epoch from v_now - g.refilled_at), 0) * 1000
          * g.rate_count / g.rate_period_ms) end,
      refilled_at = case when p_set_rate then v_now else g.refilled_at end,
      declared = coalesce(p_declared, g.declared);
  if p_set_max and p_max is not null then
    insert into signalbox.slot (limiter, job_id)
    select p_kind || ':' || p_name, r.job_id
    from signalbox.running r
    join signalbox.job j on j.id = r.job_id and j.runs = r.runs
    join signalbox.lane l on l.id = j.lane_id
    where case p_kind when 'queue' then l.queue else l.task end = p_name
    on conflict do nothing;
  end if;
  if p_set_max and p_max is null then
    delete from signalbox.slot s where s.limiter = p_kind || ':' || p_name;
  end if;
  perform pg_notify('signalbox', 'resync:');
end $$;

-- Down Migration

drop function signalbox.set_limits(text, text, boolean, integer, boolean, integer, integer, jsonb);
drop function signalbox.retry(uuid);
drop function signalbox.heal_limits();
drop function signalbox.whole_history(signalbox.finished);
drop function signalbox.end_cancelled(double precision);
drop function signalbox.time_out(double precision);
drop function signalbox.end_overdue(integer, double precision);
drop function signalbox.rescue(integer);
drop function signalbox.promote(integer);
drop function signalbox.cancel(uuid);
drop function signalbox.end_jobs(uuid[], text, text, jsonb, boolean);
drop function signalbox.give_back(
  uuid, bigint[], smallint[], uuid[], integer[], text[], double precision[], text[], text[], text[], boolean[], bigint[]);
drop function signalbox.finish(
  uuid, bigint[], smallint[], uuid[], integer[], text[], text[], text[], text[], boolean[], bigint[]);
drop function signalbox.claim(uuid, text[], text[], integer, boolean, smallint, bigint);
drop function signalbox.claimed(bigint);
drop function signalbox.brief(signalbox.job, json);
drop function signalbox.begun(jsonb, integer, timestamptz, uuid);
drop function signalbox.opens_at(signalbox.gate, timestamptz);
drop function signalbox.room(signalbox.gate, timestamptz);
drop function signalbox.lock_claims();
