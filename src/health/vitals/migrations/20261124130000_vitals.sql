-- Up Migration

-- One row for each start of a process, written by itself every ten seconds.
create table signalbox.process_vitals (
  id uuid primary key,
  roles text[] not null,
  hostname text not null,
  pid integer not null,
  started_at timestamptz not null,
  seen_at timestamptz not null,
  stopping_at timestamptz,
  ended_at timestamptz,
  rss_bytes bigint not null,
  memory_limit_bytes bigint not null,
  cpu_share double precision,
  loop_lag_p99_ms double precision,
  database_ping_ms double precision,
  redis_up boolean,
  redis_ping_ms double precision,
  pool_size integer not null,
  pool_in_use integer not null,
  pool_waiting integer not null,
  http_samples integer,
  http_p95_ms double precision
);
comment on table signalbox.process_vitals is 'How each process fares; kept for 7 days after it was last heard of';
comment on column signalbox.process_vitals.stopping_at is 'It was told to stop: from then on its silence is no loss';
comment on column signalbox.process_vitals.cpu_share is 'Of the processors that it may use, 0 to 1; null: too early to say';
comment on column signalbox.process_vitals.redis_up is 'null: none is configured, or it cannot be asked';
comment on column signalbox.process_vitals.http_p95_ms is 'Of the requests of the last five minutes; null: none, or no server';

-- Down Migration

drop table signalbox.process_vitals;
