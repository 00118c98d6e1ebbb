-- Up Migration

create table signalbox.worker (
  id uuid primary key,
  hostname text not null,
  pid integer not null,
  queues text[],
  tasks text[] not null,
  concurrency integer not null check (concurrency > 0),
  status text not null default 'running' check (status in ('running', 'draining')),
  started_at timestamptz not null default now(),
  heartbeat_at timestamptz not null default now(),
  lease_expires_at timestamptz not null
);
comment on table signalbox.worker is 'One incarnation of a worker process. Its row is its lease.';
comment on column signalbox.worker.queues is 'null: every queue';

create table signalbox.lane (
  id integer generated always as identity primary key,
  queue text not null,
  task text not null,
  unique (queue, task)
);
comment on table signalbox.lane is 'A task in a queue: the line in which its jobs wait. Rows are never removed.';

create table signalbox.gate (
  kind text not null check (kind in ('queue', 'task')),
  name text not null,
  paused_at timestamptz,
  max_running integer check (max_running >= 0),
  rate_count integer check (rate_count > 0),
  rate_period_ms integer check (rate_period_ms > 0),
  tokens double precision not null default 0,
  refilled_at timestamptz not null default now(),
  closed_until timestamptz,
  declared jsonb not null default '{}',
  primary key (kind, name),
  check ((rate_count is null) = (rate_period_ms is null))
);
comment on table signalbox.gate is 'What a queue or a task lets through. No row: everything.';
comment on column signalbox.gate.declared is 'The limits that the code last declared, to tell them from those set at run time';

create table signalbox.job (
  id uuid primary key,
  lane_id integer not null,
  priority smallint not null,
  place bigint not null,
  created_at timestamptz not null default now(),
  runs integer not null default 0,
  failures integer not null default 0,
  crashes integer not null default 0,
  max_attempts integer not null,
  timeout_ms integer not null,
  hold text check (hold in ('scheduled', 'blocked', 'retrying', 'limited')),
  reason text,
  run_at timestamptz,
  started_at timestamptz,
  touched_at timestamptz,
  expires_at timestamptz,
  deadline_at timestamptz,
  cancel_requested_at timestamptz,
  limit_key text,
  limit_max integer check (limit_max > 0),
  unique_key text,
  owner text,
  tags text[],
  trace_parent text,
  input json,
  error jsonb,
  progress jsonb,
  events jsonb,
  constraint job_limit_whole check ((limit_key is null) = (limit_max is null)),
  constraint job_waits_for_time check (hold is null or hold not in ('scheduled', 'retrying') or run_at is not null)
) with (autovacuum_vacuum_scale_factor = 0.05, autovacuum_vacuum_threshold = 5000, autovacuum_vacuum_cost_delay = 0);
comment on table signalbox.job is
  'Jobs that have not ended. Written once when accepted, moved to signalbox.finished when they end; a claim does not touch the row.';
comment on column signalbox.job.place is 'Order within lane and priority: microseconds of the time it became ready';
comment on column signalbox.job.runs is 'Attempts that have ended. A running job is in attempt runs + 1. It only grows: it is the fence';
comment on column signalbox.job.hold is 'Why it cannot be claimed; null: it can, or is already';
comment on column signalbox.job.input is 'null: in signalbox.payload';
comment on column signalbox.job.events is 'What happened so far, when that is more than the other columns say';
create index job_ready on signalbox.job (lane_id, priority, place) where hold is null;
create index job_due on signalbox.job (run_at) where hold in ('scheduled', 'retrying');
create index job_limited on signalbox.job (limit_key, priority, place) where hold = 'limited';
create index job_ending on signalbox.job (least(expires_at, deadline_at))
  where expires_at is not null or deadline_at is not null;
create index job_cancelling on signalbox.job (cancel_requested_at) where cancel_requested_at is not null;
create index job_by_owner on signalbox.job (owner, id) where owner is not null;

create table signalbox.payload (
  job_id uuid primary key,
  input json not null
);
comment on table signalbox.payload is 'Inputs too large to travel with their job';

create table signalbox.finished (
  like signalbox.job including defaults,
  status text not null check (status in ('succeeded', 'failed', 'cancelled')),
  finished_at timestamptz not null default now(),
  worker_id uuid,
  result json,
  primary key (id)
);
comment on table signalbox.finished is 'Jobs that have ended, until their retention is over';
create index finished_not_well on signalbox.finished (status, id) where status <> 'succeeded';
create index finished_by_owner on signalbox.finished (owner, id) where owner is not null;

create table signalbox.claim (
  id bigint generated always as identity primary key,
  worker_id uuid not null,
  claimed_at timestamptz not null default clock_timestamp(),
  job_ids uuid[] not null,
  runs integer[] not null
) with (autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 500, autovacuum_vacuum_cost_delay = 0);
alter table signalbox.claim alter job_ids set storage external, alter runs set storage external;
create index claim_by_worker on signalbox.claim (worker_id);
comment on table signalbox.claim is
  'What a worker took in one go. A job runs if and only if a claim names it together with its present number of runs.';

create table signalbox.slot (
  limiter text not null,
  job_id uuid not null,
  primary key (limiter, job_id)
);
create index slot_by_job on signalbox.slot (job_id);
comment on table signalbox.slot is 'Which running jobs use which limit: queue:NAME, task:NAME or key:NAME. The count is the use.';

create table signalbox.freed (keys text[] not null);
comment on table signalbox.freed is 'Keys of which a slot was given back; the next claim looks whether a job waits for it';

create function signalbox.note_freed() returns trigger
language plpgsql as $$
begin
  insert into signalbox.freed (keys)
  select array_agg(distinct substr(g.limiter, 5)) from gone g where g.limiter like 'key:%' having count(*) > 0;
  return null;
end $$;
create trigger slot_freed after delete on signalbox.slot
  referencing old table as gone for each statement execute function signalbox.note_freed();
comment on function signalbox.note_freed is 'A slot is never given back silently';

create table signalbox.unique_key (
  key text primary key,
  job_id uuid not null,
  states text[] not null,
  until timestamptz
);
comment on table signalbox.unique_key is 'Who holds a unique key: while in one of the states, and until that time if there is one';

create table signalbox.tally (
  lane_id integer not null,
  live bigint not null default 0,
  scheduled bigint not null default 0,
  retrying bigint not null default 0,
  processing bigint not null default 0,
  succeeded bigint not null default 0,
  failed bigint not null default 0,
  cancelled bigint not null default 0,
  at timestamptz default now(),
  spans smallint[]
);
comment on table signalbox.tally is 'Changes of the number of jobs; their sum is the number. The leader adds rows up.';
comment on column signalbox.tally.at is 'When; null: the sum of changes that were added up';
comment on column signalbox.tally.spans is
  'One for each job that a worker ended: 32 times the span from ready to claimed, and that from claimed to ended';

create table signalbox.job_log (
  job_id uuid not null,
  seq integer not null,
  at timestamptz not null,
  attempt integer not null,
  level text not null check (level in ('debug', 'info', 'warn', 'error')),
  message text not null,
  data jsonb,
  primary key (job_id, seq)
);

create table signalbox.leader (
  name text primary key,
  holder uuid not null,
  elected_at timestamptz not null default now(),
  lease_expires_at timestamptz not null
);

-- Microseconds of a time: the unit of job.place.
create function signalbox.place_of(at timestamptz) returns bigint
language sql stable parallel safe as $$ select (extract(epoch from at) * 1000000)::bigint $$;

create function signalbox.event(at timestamptz, type text, attempt integer, data jsonb) returns jsonb
language sql stable parallel safe as $$
  select jsonb_build_object('at', at, 'type', type, 'attempt', attempt, 'data', jsonb_strip_nulls(data))
$$;

-- The events of a job that only waited.
create function signalbox.birth(created_at timestamptz, run_at timestamptz) returns jsonb
language sql stable parallel safe as $$
  select jsonb_build_array(
    signalbox.event(created_at, case when run_at > created_at then 'scheduled' else 'queued' end, 0,
      jsonb_build_object('run_at', case when run_at > created_at then run_at end)) || '{"seq": 1}')
$$;

-- The events of a job up to now. A job that only waited has none of its own: its birth says it all.
create function signalbox.history(j signalbox.job) returns jsonb
language sql stable parallel safe as $$ select coalesce(j.events, signalbox.birth(j.created_at, j.run_at)) $$;

-- Adds events and numbers them. A job that is put off for ever must not grow for ever: the first event and
-- the last 199 stay.
create function signalbox.remember(events jsonb, variadic added jsonb[]) returns jsonb
language plpgsql stable parallel safe as $$
declare
  seq integer := (events -> -1 ->> 'seq')::integer;
  one jsonb;
begin
  foreach one in array added loop
    continue when one is null;
    seq := seq + 1;
    -- A transaction that waited for a claim began before it.
    if (one ->> 'at')::timestamptz < (events -> -1 ->> 'at')::timestamptz then
      one := one || jsonb_build_object('at', events -> -1 -> 'at');
    end if;
    events := events || (one || jsonb_build_object('seq', seq));
  end loop;
  while jsonb_array_length(events) > 200 loop
    events := events - 1;
  end loop;
  return events;
end $$;

-- Which jobs run now, where, and since when.
create view signalbox.running as
  select r.job_id, r.runs, c.id as claim_id, c.worker_id, c.claimed_at
  from signalbox.claim c cross join lateral unnest(c.job_ids, c.runs) as r(job_id, runs);

create view signalbox.unfinished_jobs as
  select j.id, l.task, l.queue,
         case when r.job_id is not null then 'processing'
              when j.hold in ('scheduled', 'retrying', 'blocked') then j.hold
              else 'queued' end as status,
         j.reason, j.priority, coalesce(j.input, p.input) as input, null::json as result, j.error, j.progress,
         case when r.job_id is not null then j.runs + 1 else j.runs end as attempt,
         j.failures, j.max_attempts, j.crashes, j.timeout_ms, j.owner, coalesce(j.tags, '{}') as tags,
         j.trace_parent, j.limit_key, j.limit_max, j.unique_key, r.worker_id,
         coalesce(j.run_at, j.created_at) as run_at, j.created_at,
         greatest(j.created_at, j.touched_at, r.claimed_at) as updated_at,
         coalesce(r.claimed_at, j.started_at) as started_at, null::timestamptz as finished_at,
         j.cancel_requested_at, j.expires_at, j.deadline_at
  from signalbox.job j
  join signalbox.lane l on l.id = j.lane_id
  left join signalbox.running r on r.job_id = j.id and r.runs = j.runs
  left join signalbox.payload p on j.input is null and p.job_id = j.id;

create view signalbox.ended_jobs as
  select f.id, l.task, l.queue, f.status, f.reason, f.priority, coalesce(f.input, p.input) as input, f.result, f.error,
         f.progress, f.runs as attempt, f.failures, f.max_attempts, f.crashes, f.timeout_ms, f.owner,
         coalesce(f.tags, '{}') as tags, f.trace_parent, f.limit_key, f.limit_max, f.unique_key,
         null::uuid as worker_id, coalesce(f.run_at, f.created_at) as run_at, f.created_at, f.finished_at as updated_at,
         f.started_at, f.finished_at, f.cancel_requested_at, f.expires_at, f.deadline_at
  from signalbox.finished f
  join signalbox.lane l on l.id = f.lane_id
  left join signalbox.payload p on f.input is null and p.job_id = f.id;

create view signalbox.jobs as
  select * from signalbox.unfinished_jobs union all select * from signalbox.ended_jobs;
comment on view signalbox.jobs is 'Every job, as the API shows it. For reading by people.';

create view signalbox.workers as
  select w.*, w.lease_expires_at > now() as live,
         (select count(*)::integer from signalbox.running r join signalbox.job j on j.id = r.job_id and j.runs = r.runs
          where r.worker_id = w.id) as running
  from signalbox.worker w;
comment on view signalbox.workers is 'Every worker that holds a lease or held one a moment ago. For reading by people.';

-- Down Migration

drop view signalbox.workers;
drop view signalbox.jobs;
drop view signalbox.ended_jobs;
drop view signalbox.unfinished_jobs;
drop view signalbox.running;
drop function signalbox.remember(jsonb, jsonb[]);
drop function signalbox.history(signalbox.job);
drop function signalbox.birth(timestamptz, timestamptz);
drop function signalbox.event(timestamptz, text, integer, jsonb);
drop function signalbox.place_of(timestamptz);
drop table signalbox.leader;
drop table signalbox.job_log;
drop table signalbox.tally;
drop table signalbox.unique_key;
drop table signalbox.freed;
drop table signalbox.slot;
drop function signalbox.note_freed();
drop table signalbox.claim;
drop table signalbox.finished;
drop table signalbox.payload;
drop table signalbox.job;
drop table signalbox.gate;
drop table signalbox.lane;
drop table signalbox.worker;
