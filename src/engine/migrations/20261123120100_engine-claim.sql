-- Up Migration

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

-- What a rate has left at that time.
create function signalbox.tokens(g signalbox.gate, at timestamptz) returns double precision
language sql stable as $$
  select least(g.rate_count, g.tokens + greatest(extract(epoch from at - g.refilled_at), 0) * 1000
    * g.rate_count / g.rate_period_ms)
$$;

-- How many more jobs of a queue or task may start now; null: no bound.
create function signalbox.room(g signalbox.gate, at timestamptz) returns integer
language sql stable as $$
  select case
    when g.paused_at is not null or g.closed_until > at then 0
    else least(
      g.max_running - (select count(*) from signalbox.slot s where s.limiter = g.kind || ':' || g.name),
      floor(signalbox.tokens(g, at)))::integer end
$$;

-- When a closed or empty gate opens again; null: it is open, or opens not by time alone. A moment late, because who
-- comes a rounding error early finds no whole token and is told of no later time.
create function signalbox.opens_at(g signalbox.gate, at timestamptz) returns timestamptz
language sql stable as $$
  select case
    when g.paused_at is not null then null
    when g.closed_until > at then g.closed_until
    when g.rate_count is not null and g.tokens < 1 then g.refilled_at
      + ((1 - g.tokens) * g.rate_period_ms / g.rate_count + 0.01) * interval '1 millisecond' end
$$;

-- The lanes that a worker serves, with what their gates let through: each sees the whole room of a gate that it
-- shares with others.
create function signalbox.gated_lanes(p_queues text[], p_tasks text[], at timestamptz)
returns table (lane integer, queue text, task text, queue_room integer, task_room integer, opens timestamptz)
language sql stable as $$
  select l.id, l.queue, l.task,
         case when q.name is not null then signalbox.room(q, at) end,
         case when t.name is not null then signalbox.room(t, at) end,
         greatest(case when q.name is not null then signalbox.opens_at(q, at) end,
                  case when t.name is not null then signalbox.opens_at(t, at) end)
  from signalbox.lane l
  left join signalbox.gate q on q.kind = 'queue' and q.name = l.queue
  left join signalbox.gate t on t.kind = 'task' and t.name = l.task
  where l.task = any(p_tasks) and (p_queues is null or l.queue = any(p_queues))
$$;

-- Since when a job could have been claimed, as its place: a job that never ran from its first place on, however often
-- a worker gave it back unbegun; any other from when it was put back. Time before a backoff ended is not in it.
create function signalbox.ready_since(j signalbox.job) returns bigint
language sql stable parallel safe as $$
  select case when j.started_at is null or j.touched_at is null then j.place
    else greatest(j.place, signalbox.place_of(j.touched_at)) end
$$;

-- What a worker is told of a job that it claimed, as JSON text. Built by concat because json_build_array looks up
-- the type of each value for each row. Nothing in it may keep it from being inlined: a call costs ten times as much.
create function signalbox.brief(j signalbox.job, input json) returns text
language sql stable as $$
  select concat('["', j.id, '",', j.lane_id, ',', j.runs + 1, ',', j.failures, ',', j.crashes, ',', j.max_attempts, ',',
    j.timeout_ms, ',', input, ',',
    signalbox.ready_since(j),
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

-- Lets jobs in that wait for a slot of their key, as many as slots were given back. p_floor_place: not in front of
-- what the caller has seen.
create function signalbox.let_in(p_queues text[], p_tasks text[], p_floor_place bigint) returns void
language plpgsql
set plan_cache_mode = force_generic_plan set enable_seqscan = off set enable_bitmapscan = off
set enable_hashjoin = off set enable_mergejoin = off set enable_material = off set jit = off as $$
declare
  v_keys text[];
begin
  with gone as (delete from signalbox.freed f returning f.keys)
  select array_agg(distinct k) into v_keys from gone cross join lateral unnest(gone.keys) as k;
  if v_keys is null or not exists (select from signalbox.job j where j.hold = 'limited') then
    return;
  end if;
  with next as (
    select k.key, n.*, r.used, r.room, row_number() over (partition by k.key order by n.priority, n.place) as nth
    from unnest(v_keys) as k(key)
    cross join lateral (
      select u.used, greatest(j1.limit_max - u.used, 0) as room
      from signalbox.job j1
      cross join lateral (select count(*) as used from signalbox.slot s where s.limiter = 'key:' || k.key) as u
      where j1.hold = 'limited' and j1.limit_key = k.key
      order by j1.priority, j1.place limit 1) as r
    cross join lateral (
      select j2.id, j2.priority, j2.place, j2.limit_max
      from signalbox.job j2 where j2.hold = 'limited' and j2.limit_key = k.key
      order by j2.priority, j2.place limit r.room + 1
      for update skip locked) as n),
  woken as (
    update signalbox.job j set hold = null, place = greatest(j.place, p_floor_place)
    from next n where j.id = n.id and n.nth <= n.room
    returning j.lane_id),
  -- The one behind them may allow more of the key at once than they do: then the next claim looks again.
  later as (
    insert into signalbox.freed (keys)
    select array_agg(n.key) from next n where n.nth > n.room and n.limit_max > n.used + n.room having count(*) > 0)
  -- A key is shared by all tasks: its next job may be one that only others can take.
  select array_agg(pg_notify('signalbox', 'queue:' || o.queue)::text) into v_keys
  from (select distinct l.queue from woken w join signalbox.lane l on l.id = w.lane_id
        where not (l.task = any(p_tasks) and (p_queues is null or l.queue = any(p_queues)))) as o;
end $$;

-- Claims up to p_limit jobs for a worker whose lease is valid. The row of a job is not touched.
-- p_floor_*: the place up to which this worker has just claimed everything; null: look from the beginning.
-- p_suspects: whether jobs that took a worker with them may be among them; they must not be taken ahead of time.
-- jobs is null when it would be more than a socket takes: a client that is frozen must not hold the lock. Such a
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
  v_gated boolean;
  v_ids uuid[];
  v_runs integer[];
  v_lane integer[];
  v_key text[];
  v_over uuid[];
  v_docs text;
  v_all_ids uuid[] := '{}';
  v_all_runs integer[] := '{}';
  v_all_lane integer[] := '{}';
  v_all_key text[] := '{}';
  v_want integer;
  v_found integer;
  v_keyed integer;
  v_unique integer := 0;
  v_more boolean;
begin
  taken := 0;
  limited := false;
  again := false;
  lost := false;
  perform signalbox.lock_claims();
  v_now := clock_timestamp();
  if not exists (select from signalbox.worker w
                 where w.id = p_worker and w.status = 'running' and w.lease_expires_at > v_now) then
    lost := true;
    return;
  end if;
  if exists (select from signalbox.freed) then
    perform signalbox.let_in(p_queues, p_tasks, p_floor_place);
  end if;

  v_gated := exists (select from signalbox.gate g where case g.kind
    when 'task' then g.name = any(p_tasks) else p_queues is null or g.name = any(p_queues) end);
  if v_gated then
    with mine as (
      select g.lane, least(g.queue_room, g.task_room) as room, g.opens
      from signalbox.gated_lanes(p_queues, p_tasks, v_now) as g)
    select array_agg(m.lane) filter (where m.room is null or m.room > 0),
           array_agg(m.room) filter (where m.room is null or m.room > 0),
           extract(epoch from min(m.opens) filter (where m.room <= 0 and m.opens > v_now) - v_now) * 1000,
           bool_or(m.room is not null)
    into v_lanes, v_rooms, opens_in_ms, v_gated
    from mine m;
  else
    v_lanes := array(select l.id from signalbox.lane l
                     where l.task = any(p_tasks) and (p_queues is null or l.queue = any(p_queues)));
  end if;
  if coalesce(cardinality(v_lanes), 0) = 0 then
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
      select c.*, l.lane
      from unnest(v_lanes, v_rooms) as l(lane, room)
      cross join lateral (
        select j.id, j.runs, j.priority, j.place, j.limit_key, j.unique_key,
               case when j.input is not null then signalbox.brief(j, j.input) end as doc
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
    select array_agg(c.id), array_agg(c.runs), array_agg(c.lane), string_agg(c.doc, ','),
           count(*), count(c.limit_key), v_unique + count(c.unique_key), turn = 1 and count(*) = count(c.doc)
    into v_ids, v_runs, v_lane, v_docs, v_found, v_keyed, v_unique, v_more
    from candidate c;
    exit when v_ids is null;
    if not v_more then
      v_docs := null;
    end if;
    if turn = 1 then
      select j.priority, j.place into last_priority, last_place from signalbox.job j where j.id = v_ids[v_found];
    else
      last_priority := null;
    end if;

    v_more := false;
    if v_gated then
      select array_agg(c.id order by c.ord), array_agg(c.runs order by c.ord), array_agg(c.lane order by c.ord)
      into v_ids, v_runs, v_lane
      from (
        select c.*, g.queue_room, g.task_room, row_number() over (partition by g.queue order by c.ord) as in_queue,
               row_number() over (partition by g.task order by c.ord) as in_task
        from unnest(v_ids, v_runs, v_lane) with ordinality as c(id, runs, lane, ord)
        join signalbox.gated_lanes(p_queues, p_tasks, v_now) as g on g.lane = c.lane) as c
      where (c.queue_room is null or c.in_queue <= c.queue_room) and (c.task_room is null or c.in_task <= c.task_room);
      exit when v_ids is null;
      -- Those that a gate has no room for stood where others could have been looked at.
      v_more := cardinality(v_ids) < v_found;
    end if;

    v_key := null;
    if v_keyed > 0 then
      -- nth: what the use of the key would be with this job.
      with c as (
        select c.*, j.limit_key as key, j.limit_max as max, case when j.limit_key is not null then
            row_number() over (partition by j.limit_key order by c.ord)
            + (select count(*) from signalbox.slot s where s.limiter = 'key:' || j.limit_key)
            + (select count(*) from unnest(v_all_key) as a(key) where turn > 1 and a.key = j.limit_key) end as nth
        from unnest(v_ids, v_runs, v_lane) with ordinality as c(id, runs, lane, ord)
        join signalbox.job j on j.id = c.id)
      select array_agg(c.id order by c.ord) filter (where c.key is null or c.nth <= c.max),
             array_agg(c.runs order by c.ord) filter (where c.key is null or c.nth <= c.max),
             array_agg(c.lane order by c.ord) filter (where c.key is null or c.nth <= c.max),
             array_agg(c.key order by c.ord) filter (where c.key is null or c.nth <= c.max),
             array_agg(c.id) filter (where c.nth > c.max)
      into v_ids, v_runs, v_lane, v_key, v_over
      from c;
      if v_over is not null then
        v_more := true;
        update signalbox.job j set hold = 'limited' from unnest(v_over) as o(id) where j.id = o.id;
      end if;
    end if;
    if v_more then
      v_docs := null;
    end if;
    if v_ids is not null then
      -- A later turn looked at more than is wanted.
      v_all_ids := (v_all_ids || v_ids)[1:p_limit];
      v_all_runs := (v_all_runs || v_runs)[1:p_limit];
      v_all_lane := (v_all_lane || v_lane)[1:p_limit];
      v_all_key := (v_all_key || coalesce(v_key, array_fill(null::text, array[cardinality(v_ids)])))[1:p_limit];
    end if;
    again := v_more and cardinality(v_all_ids) < p_limit;
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
    with took as (
      select c.id, g.* from unnest(v_all_ids, v_all_lane) as c(id, lane)
      join signalbox.lane l on l.id = c.lane
      join signalbox.gate g on (g.kind = 'queue' and g.name = l.queue) or (g.kind = 'task' and g.name = l.task)),
    slots as (
      insert into signalbox.slot (limiter, job_id)
      select t.kind || ':' || t.name, t.id from took t where t.max_running is not null
      -- A limit that was set while an earlier attempt ended may have left a slot of it: it is this attempt's now.
      on conflict do nothing)
    update signalbox.gate g
    set tokens = signalbox.tokens(g, v_now) - u.n, refilled_at = v_now
    from (select t.kind, t.name, count(*) as n from took t where t.rate_count is not null group by t.kind, t.name) as u
    where g.kind = u.kind and g.name = u.name;
    -- What was taken may have emptied a rate: the worker must know when it opens.
    select extract(epoch from min(g.opens) - v_now) * 1000 into opens_in_ms
    from signalbox.gated_lanes(p_queues, p_tasks, v_now) as g where g.opens > v_now;
  end if;
  if v_unique > 0 then
    delete from signalbox.unique_key u using signalbox.job j
    where j.id = any(v_all_ids) and j.unique_key is not null and u.key = j.unique_key and u.job_id = j.id
      and not 'processing' = any(u.states);
  end if;
  if not limited then
    -- Lost in a crash of the server it only runs again, so nobody waits for its commit to reach the disk. With a
    -- limit, its job would run beside the one that then gets the slot.
    perform set_config('synchronous_commit', 'off', true);
  end if;
  if octet_length(v_docs) < 49152 then
    jobs := '[' || v_docs || ']';
  end if;
end $$;

-- Down Migration

drop function signalbox.claim(uuid, text[], text[], integer, boolean, smallint, bigint);
drop function signalbox.let_in(text[], text[], bigint);
drop function signalbox.claimed(bigint);
drop function signalbox.brief(signalbox.job, json);
drop function signalbox.ready_since(signalbox.job);
drop function signalbox.gated_lanes(text[], text[], timestamptz);
drop function signalbox.opens_at(signalbox.gate, timestamptz);
drop function signalbox.room(signalbox.gate, timestamptz);
drop function signalbox.tokens(signalbox.gate, timestamptz);
drop function signalbox.begun(jsonb, integer, timestamptz, uuid);
drop function signalbox.lock_claims();
