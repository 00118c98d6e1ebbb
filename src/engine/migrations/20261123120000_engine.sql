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
comment on column signalbox.worker.queues is 'null: every queue';

create table signalbox.job (
  id uuid primary key,
  task text not null,
  queue text not null,
  status text not null check (status in
    ('scheduled', 'blocked', 'queued', 'processing', 'retrying', 'succeeded', 'failed', 'cancelled')),
  reason text,
  priority smallint not null default 0,
  input jsonb not null,
  result jsonb,
  error jsonb,
  progress jsonb,
  attempt integer not null default 0,
  failures integer not null default 0,
  max_attempts integer not null,
  crashes integer not null default 0,
  timeout_ms integer not null,
  owner text,
  tags text[] not null default '{}',
  trace_parent text,
  worker_id uuid,
  run_at timestamptz not null default now(),
  created_at timestamptz not null default now(),
  updated_at timestamptz not null default now(),
  started_at timestamptz,
  finished_at timestamptz,
  cancel_requested_at timestamptz,
  event_seq integer not null default 0,
  constraint job_processing_has_worker check ((status = 'processing') = (worker_id is not null)),
  constraint job_final_has_end check ((status in ('succeeded', 'failed', 'cancelled')) = (finished_at is not null))
);
create index job_claim on signalbox.job (priority, run_at, id) where status = 'queued';
create index job_due on signalbox.job (run_at) where status in ('scheduled', 'retrying');
create index job_processing on signalbox.job (worker_id) where status = 'processing';
create index job_by_status on signalbox.job (status, id desc);
create index job_by_owner on signalbox.job (owner, id desc);

create table signalbox.job_event (
  job_id uuid not null references signalbox.job (id) on delete cascade,
  seq integer not null,
  at timestamptz not null default now(),
  type text not null,
  attempt integer not null,
  data jsonb not null default '{}',
  primary key (job_id, seq)
);

create table signalbox.job_log (
  job_id uuid not null references signalbox.job (id) on delete cascade,
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

-- The state machine's guard: whoever writes, no illegal move gets in, and every move leaves its event.
create function signalbox.job_guard() returns trigger language plpgsql as $$
begin
  if tg_op = 'UPDATE' then
    new.updated_at := now();
    if new.status is distinct from old.status then
      if not (case old.status
        when 'scheduled'  then new.status in ('queued', 'cancelled')
        when 'blocked'    then new.status in ('queued', 'cancelled')
        when 'queued'     then new.status in ('processing', 'cancelled')
        when 'processing' then new.status in ('succeeded', 'failed', 'cancelled', 'retrying', 'scheduled', 'queued')
        when 'retrying'   then new.status in ('queued', 'cancelled')
        when 'failed'     then new.status in ('queued')
        when 'cancelled'  then new.status in ('queued')
        else false end)
      then
        raise exception 'job % cannot move from % to %', old.id, old.status, new.status
          using errcode = 'check_violation', constraint = 'job_transition';
      end if;
      new.event_seq := old.event_seq + 1;
    elsif new.progress is distinct from old.progress and new.progress is not null
       or (new.cancel_requested_at is not null and old.cancel_requested_at is null) then
      new.event_seq := old.event_seq + 1;
    end if;
  else
    if new.status not in ('scheduled', 'blocked', 'queued') then
      raise exception 'job % cannot begin as %', new.id, new.status
        using errcode = 'check_violation', constraint = 'job_transition';
    end if;
    new.event_seq := 1;
  end if;
  return new;
end $$;

create function signalbox.job_record() returns trigger language plpgsql as $$
declare
  kind text;
  detail jsonb := '{}';
begin
  if tg_op = 'UPDATE' and new.event_seq = old.event_seq then
    return null;
  end if;
  if tg_op = 'INSERT' or new.status is distinct from old.status then
    kind := new.status;
    detail := jsonb_strip_nulls(jsonb_build_object(
      'reason', new.reason,
      'run_at', case when new.status in ('scheduled', 'retrying') then to_jsonb(new.run_at) end,
      'worker_id', new.worker_id,
      'error', case when new.status in ('failed', 'retrying') then new.error - 'stack' end));
  elsif new.cancel_requested_at is not null and old.cancel_requested_at is null then
    kind := 'cancel_requested';
  else
    kind := 'progress';
    detail := new.progress;
  end if;
  insert into signalbox.job_event (job_id, seq, type, attempt, data)
  values (new.id, new.event_seq, kind, new.attempt, detail);
  perform pg_notify('signalbox', 'job:' || new.id);
  if kind = 'queued' then
    perform pg_notify('signalbox', 'queue:' || new.queue);
  end if;
  return null;
end $$;

create trigger job_guard before insert or update on signalbox.job
  for each row execute function signalbox.job_guard();
create trigger job_record after insert or update on signalbox.job
  for each row execute function signalbox.job_record();

-- Down Migration

drop table signalbox.leader;
drop table signalbox.job_log;
drop table signalbox.job_event;
drop table signalbox.job;
drop table signalbox.worker;
drop function signalbox.job_record();
drop function signalbox.job_guard();
