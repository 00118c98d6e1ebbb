-- Up Migration

-- A condition that holds or held, one row from the moment it was first seen until it ended. One that ended before it
-- had held for long enough to be told leaves no row.
create table signalbox.alert (
  id uuid primary key,
  rule text not null,
  labels jsonb not null,
  severity text not null check (severity in ('info', 'warning', 'critical')),
  state text not null check (state in ('pending', 'firing', 'resolved')),
  value double precision,
  summary text not null,
  remedy text not null,
  page text,
  since timestamptz not null,
  -- The last evaluation that looked at it and knew.
  seen_at timestamptz not null,
  fired_at timestamptz,
  resolved_at timestamptz,
  acknowledged_at timestamptz,
  acknowledged_by text,
  check (case state when 'pending' then fired_at is null and resolved_at is null
                    when 'firing' then fired_at is not null and resolved_at is null
                    else fired_at is not null and resolved_at is not null end));
create unique index alert_open on signalbox.alert (rule, labels) where state <> 'resolved';
create index alert_history on signalbox.alert (resolved_at desc, id desc) where state = 'resolved';

-- When the rules were last looked at: without it "no alert" would say nothing.
create table signalbox.alert_evaluation (
  only_one boolean primary key default true check (only_one),
  evaluated_at timestamptz not null,
  -- Rules that could not be judged then.
  unknown text[] not null);

-- Down Migration

drop table signalbox.alert_evaluation;
drop table signalbox.alert;
