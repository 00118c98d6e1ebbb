-- Up Migration

create table signalbox.notification_channel (
  channel text primary key check (channel <> ''),
  claim uuid,
  claimed_until timestamptz,
  not_before timestamptz,
  throttled_until timestamptz,
  failures integer not null default 0 check (failures >= 0),
  last_success_at timestamptz,
  last_failure_at timestamptz,
  last_error text,
  job_id uuid,
  constraint notification_channel_claim_whole check (num_nulls(claim, claimed_until) in (0, 2))
);
comment on column signalbox.notification_channel.claim is 'the message that somebody sends now; one at a time, so that messages keep their order';
comment on column signalbox.notification_channel.not_before is 'rate, or backoff after a failure; a new alarm brings it forward';
comment on column signalbox.notification_channel.throttled_until is 'the receiver said when to come back; nothing brings it forward';
comment on column signalbox.notification_channel.job_id is 'the job that was asked to send';

create table signalbox.notification_subject (
  channel text not null,
  fingerprint text not null,
  alert_id uuid not null,
  state text not null check (state in ('firing', 'resolved')),
  edge_at timestamptz not null,
  facts jsonb not null,
  told text not null default 'nothing' check (told in ('nothing', 'perhaps', 'firing', 'flapping', 'resolved')),
  told_at timestamptz,
  reminders integer not null default 0 check (reminders >= 0),
  remind_at timestamptz,
  flapping_since timestamptz,
  settled_at timestamptz,
  acknowledged_at timestamptz,
  acknowledged_by text,
  primary key (channel, fingerprint)
);
comment on table signalbox.notification_subject is 'what one channel was last told of one rule with its labels, and what happened since';
comment on column signalbox.notification_subject.told is 'perhaps: an alarm was sent and nobody knows whether it arrived';
create index notification_subject_remind on signalbox.notification_subject (channel, remind_at)
  where remind_at is not null;
create index notification_subject_flapping on signalbox.notification_subject (channel, edge_at)
  where flapping_since is not null;
create index notification_subject_alert on signalbox.notification_subject (alert_id);

create table signalbox.notification_outbox (
  id uuid primary key,
  channel text not null,
  fingerprint text not null,
  alert_id uuid not null,
  kind text not null check (kind in ('firing', 'resolved', 'flapping', 'settled', 'reminder')),
  number bigint not null default 0,
  at timestamptz not null,
  facts jsonb not null,
  due_at timestamptz not null,
  expires_at timestamptz not null,
  tries integer not null default 0 check (tries >= 0),
  claim uuid,
  held_by uuid,
  outcome text check (outcome in
    ('delivered', 'collapsed', 'damped', 'silenced', 'unneeded', 'expired', 'rejected')),
  ended_at timestamptz,
  unique (alert_id, channel, kind, number),
  constraint notification_outbox_end_whole check (num_nulls(outcome, ended_at) in (0, 2))
);
comment on column signalbox.notification_outbox.number is '0 for an edge; for what is said again, milliseconds of the epoch';
comment on column signalbox.notification_outbox.held_by is 'the silence that keeps it back';
create index notification_outbox_open on signalbox.notification_outbox (channel, due_at) where outcome is null;
create index notification_outbox_open_subject on signalbox.notification_outbox (channel, fingerprint)
  where outcome is null;
create index notification_outbox_edges on signalbox.notification_outbox (channel, fingerprint, at)
  where kind in ('firing', 'resolved');
create index notification_outbox_ended on signalbox.notification_outbox (ended_at) where outcome is not null;

create table signalbox.notification_silence (
  id uuid primary key,
  kind text not null check (kind in ('silence', 'maintenance')),
  rule text,
  labels jsonb not null default '{}',
  starts_at timestamptz not null,
  ends_at timestamptz,
  cron text,
  time_zone text,
  duration_ms bigint check (duration_ms > 0),
  reason text not null,
  created_by text not null,
  created_at timestamptz not null,
  constraint notification_silence_ends check (ends_at is not null or cron is not null),
  constraint notification_silence_cron_whole check (num_nulls(cron, time_zone, duration_ms) in (0, 3)),
  constraint notification_silence_order check (ends_at >= starts_at)
);
create index notification_silence_ends_at on signalbox.notification_silence (ends_at);

create table signalbox.notification_delivery (
  id uuid primary key,
  channel text not null,
  at timestamptz not null,
  sender text not null check (sender in ('job', 'escape', 'test', 'policy')),
  outcome text not null check (outcome in
    ('delivered', 'retry', 'rejected', 'unknown', 'held', 'silenced', 'expired')),
  title text not null,
  alert_ids uuid[] not null default '{}',
  message_key text,
  ms integer check (ms >= 0),
  error text,
  reply text,
  next_try_at timestamptz
);
comment on table signalbox.notification_delivery is 'the log: every attempt, and everything that a silence or its age kept from being sent';
create index notification_delivery_channel on signalbox.notification_delivery (channel, at desc);
create index notification_delivery_at on signalbox.notification_delivery (at);

-- Down Migration

drop table signalbox.notification_delivery;
drop table signalbox.notification_silence;
drop table signalbox.notification_outbox;
drop table signalbox.notification_subject;
drop table signalbox.notification_channel;
