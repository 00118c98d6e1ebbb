-- Up Migration

create table signalbox.schedule (
  name text primary key,
  source text not null check (source in ('code', 'api')),
  task text not null,
  input jsonb not null,
  slot_field text,
  cron text not null,
  time_zone text not null,
  catch_up text not null check (catch_up in ('none', 'latest', 'all')),
  overlap text not null check (overlap in ('allow', 'skip', 'wait')),
  jitter_ms integer not null check (jitter_ms >= 0),
  priority smallint,
  owner text,
  tags text[] not null default '{}',
  paused boolean not null default false,
  enabled boolean not null default true,
  next_slot timestamptz,
  due_at timestamptz,
  held_slot timestamptz,
  open_jobs uuid[] not null default '{}',
  failures integer not null default 0,
  last_error text,
  last_error_at timestamptz,
  created_at timestamptz not null default now(),
  updated_at timestamptz not null default now(),
  constraint schedule_at_rest check (due_at is null or (enabled and not paused))
);
comment on column signalbox.schedule.enabled is 'false: it was declared in code and no longer is';
comment on column signalbox.schedule.next_slot is 'the first slot about which nothing is decided yet; null: no slot comes any more';
comment on column signalbox.schedule.due_at is 'when the scheduler looks at it next; null: not at all';
comment on column signalbox.schedule.held_slot is 'the slot whose job waits for the job before it';
comment on column signalbox.schedule.open_jobs is 'the newest jobs that were not known to have ended when last asked';
create index schedule_due on signalbox.schedule (due_at) where due_at is not null;

-- One row for each slot that was decided. Its primary key is what keeps a slot from being fired twice.
create table signalbox.schedule_firing (
  schedule text not null references signalbox.schedule (name) on delete cascade,
  slot timestamptz not null,
  kind text not null check (kind in ('slot', 'manual')),
  outcome text not null check (outcome in ('enqueued', 'held', 'skipped', 'missed')),
  job_id uuid,
  missed_from timestamptz,
  missed integer,
  at timestamptz not null default now(),
  primary key (schedule, slot, kind),
  constraint schedule_firing_has_job check ((outcome = 'enqueued') = (job_id is not null)),
  constraint schedule_firing_missed check ((outcome = 'missed') = (missed_from is not null))
);
comment on column signalbox.schedule_firing.kind is 'manual: a person asked for it at that time; its key collides with no slot';
comment on column signalbox.schedule_firing.missed is 'slots from missed_from to slot; null: more than were counted';
create unique index schedule_firing_held on signalbox.schedule_firing (schedule) where outcome = 'held';

-- Down Migration

drop table signalbox.schedule_firing;
drop table signalbox.schedule;
