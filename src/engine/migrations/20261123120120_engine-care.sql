-- Up Migration

-- Takes the jobs of dead workers away from them. A job that has taken p_max_crashes workers with it is failed.
create function signalbox.rescue(p_max_crashes integer) returns table (job_id uuid, queue text, status text)
language plpgsql
set plan_cache_mode = force_generic_plan set enable_seqscan = off set enable_hashjoin = off set enable_mergejoin = off
set jit = off as $$
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
  -- A claim that is being settled at this moment is looked at again in the next turn.
  v_claims := array(
    select c.id from signalbox.claim c
    where c.worker_id = any(v_dead) or not exists (select from signalbox.worker w where w.id = c.worker_id)
    for update of c skip locked);
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
  delete from signalbox.unique_key u using signalbox.job j
  where j.id = any(v_ids) and j.unique_key is not null and u.key = j.unique_key and u.job_id = j.id
    and not 'queued' = any(u.states);
  delete from signalbox.slot s where s.job_id = any(v_ids);
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
language plpgsql
set plan_cache_mode = force_generic_plan set enable_seqscan = off set enable_hashjoin = off set enable_mergejoin = off
set jit = off as $$
#variable_conflict use_column
declare
  v_ids uuid[];
  v_reasons text[];
begin
  -- Index job_ending serves only where its own condition is said too.
  if not exists (select from signalbox.job j where least(j.expires_at, j.deadline_at) <= now()
                   and (j.expires_at is not null or j.deadline_at is not null)) then
    return;
  end if;
  perform signalbox.lock_claims();
  select array_agg(o.id), array_agg(o.reason) into v_ids, v_reasons
  from (
    select j.id, case when j.deadline_at <= now() then 'deadline' else 'expired' end as reason
    from signalbox.job j
    where least(j.expires_at, j.deadline_at) <= now() and (j.expires_at is not null or j.deadline_at is not null)
      and case when exists (select from signalbox.running r where r.job_id = j.id and r.runs = j.runs)
            then j.deadline_at <= now() - p_grace_ms * interval '1 millisecond'
            else j.deadline_at <= now() or (j.expires_at <= now() and j.started_at is null) end
    order by least(j.expires_at, j.deadline_at) limit p_limit) as o;
  -- What is being settled at this moment is left to its worker.
  return query
  select e.id, r.reason
  from (values ('deadline', 'The deadline of the job passed.'),
               ('expired', 'The job was not started in time.')) as r(reason, message)
  cross join lateral signalbox.end_jobs(
    array(select o.id from unnest(v_ids, v_reasons) as o(id, reason) where o.reason = r.reason), 'failed', r.reason,
    jsonb_build_object('type', r.reason, 'retryable', false, 'message', r.message), false) as e(id);
end $$;

-- Attempts that are p_grace_ms over their time.
create function signalbox.overtime(p_grace_ms double precision) returns setof signalbox.running
language sql stable as $$
  select r.* from signalbox.running r join signalbox.job j on j.id = r.job_id and j.runs = r.runs
  where r.claimed_at + (j.timeout_ms + p_grace_ms) * interval '1 millisecond' < now()
$$;

-- Takes attempts away that are p_grace_ms over their time. Their worker lives, but does not do it: it counts as a
-- failed attempt, and the next one may start at once elsewhere.
create function signalbox.time_out(p_grace_ms double precision) returns setof uuid
language plpgsql
set plan_cache_mode = force_generic_plan set enable_seqscan = off set enable_hashjoin = off set enable_mergejoin = off
set jit = off as $$
declare
  v_busy bigint[];
  v_ids uuid[];
  v_last uuid[];
begin
  if not exists (select from signalbox.overtime(p_grace_ms)) then
    return;
  end if;
  perform signalbox.lock_claims();
  v_busy := signalbox.busy_claims(array(select o.claim_id from signalbox.overtime(p_grace_ms) o));
  -- Locked: a worker may be putting one back at this moment, which then runs no more.
  select array_agg(o.id), array_agg(o.id) filter (where o.last) into v_ids, v_last
  from (select j.id, j.failures + 1 >= j.max_attempts as last
        from signalbox.overtime(p_grace_ms) r join signalbox.job j on j.id = r.job_id and j.runs = r.runs
        where r.claim_id <> all(v_busy)
        for update of j) as o;
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
    returning j.id, j.lane_id, j.unique_key),
  released as (
    delete from signalbox.unique_key u using back b
    where b.unique_key is not null and u.key = b.unique_key and u.job_id = b.id and not 'retrying' = any(u.states)),
  counted as (
    insert into signalbox.tally (lane_id, processing, retrying)
    select lane_id, -count(*), count(*) from back group by lane_id)
  delete from signalbox.slot s using back b where s.job_id = b.id;
  return query select unnest(v_ids);
end $$;

-- Ends jobs that are to be cancelled and that nobody runs, or whose worker has not stopped p_grace_ms after the wish.
create function signalbox.end_cancelled(p_grace_ms double precision) returns setof uuid
language plpgsql
set plan_cache_mode = force_generic_plan set enable_seqscan = off set enable_hashjoin = off set enable_mergejoin = off
set jit = off as $$
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

-- Gives back slots of jobs that do not run, and asks the claims to look at keys that have room and jobs waiting.
-- A limit that was set while a job ran leaves such a slot when that job ends; anything else would be a fault.
create function signalbox.heal_limits(out slots integer, out jobs integer)
language plpgsql
set plan_cache_mode = force_generic_plan set enable_seqscan = off set enable_hashjoin = off set enable_mergejoin = off
set jit = off as $$
declare
  v_keys text[];
  v_busy uuid[];
begin
  slots := 0;
  jobs := 0;
  if not exists (select from signalbox.slot) and not exists (select from signalbox.job j where j.hold = 'limited') then
    return;
  end if;
  perform signalbox.lock_claims();
  v_busy := array(select j.id from signalbox.running r join signalbox.job j on j.id = r.job_id and j.runs = r.runs);
  delete from signalbox.slot s where s.job_id <> all(v_busy);
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
        else least(p_rate_count, signalbox.tokens(g, v_now)) end,
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
drop function signalbox.heal_limits();
drop function signalbox.end_cancelled(double precision);
drop function signalbox.time_out(double precision);
drop function signalbox.overtime(double precision);
drop function signalbox.end_overdue(integer, double precision);
drop function signalbox.rescue(integer);
