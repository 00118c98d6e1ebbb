-- Up Migration

create table signalbox.span (
  trace_id text not null,
  span_id text not null,
  parent_id text,
  job_id uuid,
  name text not null,
  kind text not null,
  started_at timestamptz not null,
  duration_us bigint not null,
  error text,
  attributes jsonb not null,
  primary key (trace_id, span_id)
);
comment on table signalbox.span is 'What handlers did, and the requests that sent their jobs; the spans of the engine itself are read from the events of a job';
comment on column signalbox.span.job_id is 'null: of the request that sent the job';
create index span_started_at on signalbox.span (started_at);

-- Down Migration

drop table signalbox.span;
