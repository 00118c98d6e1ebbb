-- Made by `npm run schema`; a test compares it with the migrations.

create table signalbox.asset (
  id uuid not null,
  owner text not null,
  filename text not null,
  content_type text not null,
  bytes bigint not null,
  width integer not null,
  height integer not null,
  sha256 text not null,
  object_key text not null,
  created_at timestamp with time zone not null default now(),
  stored_at timestamp with time zone,
  constraint asset_bytes_check CHECK ((bytes > 0)),
  constraint asset_content_type_check CHECK ((content_type = ANY (ARRAY['image/jpeg'::text, 'image/png'::text, 'image/webp'::text]))),
  constraint asset_filename_check CHECK (((filename <> ''::text) AND (length(filename) <= 255))),
  constraint asset_height_check CHECK ((height > 0)),
  constraint asset_object_key_key UNIQUE (object_key),
  constraint asset_pkey PRIMARY KEY (id),
  constraint asset_sha256_check CHECK ((sha256 ~ '^[0-9a-f]{64}$'::text)),
  constraint asset_width_check CHECK ((width > 0))
);

create table signalbox.enhancement (
  id uuid not null,
  asset_id uuid not null,
  owner text not null,
  tier text not null,
  prompt text not null,
  style text not null,
  price integer not null,
  created_at timestamp with time zone not null default now(),
  output_key text,
  output_content_type text,
  output_bytes bigint,
  output_width integer,
  output_height integer,
  output_sha256 text,
  output_at timestamp with time zone,
  constraint enhancement_asset_id_fkey FOREIGN KEY (asset_id) REFERENCES asset(id),
  constraint enhancement_output_bytes_check CHECK ((output_bytes > 0)),
  constraint enhancement_output_height_check CHECK ((output_height > 0)),
  constraint enhancement_output_key_key UNIQUE (output_key),
  constraint enhancement_output_sha256_check CHECK ((output_sha256 ~ '^[0-9a-f]{64}$'::text)),
  constraint enhancement_output_whole CHECK ((num_nulls(output_key, output_content_type, output_bytes, output_width, output_height, output_sha256, output_at) = ANY (ARRAY[0, 7]))),
  constraint enhancement_output_width_check CHECK ((output_width > 0)),
  constraint enhancement_pkey PRIMARY KEY (id),
  constraint enhancement_price_check CHECK ((price >= 0)),
  constraint enhancement_prompt_check CHECK (((length(prompt) >= 1) AND (length(prompt) <= 2000))),
  constraint enhancement_tier_check CHECK ((tier = ANY (ARRAY['free'::text, 'premium'::text])))
);

create table signalbox.job (
  id uuid not null,
  task text not null,
  queue text not null,
  status text not null,
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
  tags text[] not null default '{}'::text[],
  trace_parent text,
  worker_id uuid,
  run_at timestamp with time zone not null default now(),
  created_at timestamp with time zone not null default now(),
  updated_at timestamp with time zone not null default now(),
  started_at timestamp with time zone,
  finished_at timestamp with time zone,
  cancel_requested_at timestamp with time zone,
  event_seq integer not null default 0,
  constraint job_final_has_end CHECK (((status = ANY (ARRAY['succeeded'::text, 'failed'::text, 'cancelled'::text])) = (finished_at IS NOT NULL))),
  constraint job_pkey PRIMARY KEY (id),
  constraint job_processing_has_worker CHECK (((status = 'processing'::text) = (worker_id IS NOT NULL))),
  constraint job_status_check CHECK ((status = ANY (ARRAY['scheduled'::text, 'blocked'::text, 'queued'::text, 'processing'::text, 'retrying'::text, 'succeeded'::text, 'failed'::text, 'cancelled'::text])))
);

create table signalbox.job_event (
  job_id uuid not null,
  seq integer not null,
  at timestamp with time zone not null default now(),
  type text not null,
  attempt integer not null,
  data jsonb not null default '{}'::jsonb,
  constraint job_event_job_id_fkey FOREIGN KEY (job_id) REFERENCES job(id) ON DELETE CASCADE,
  constraint job_event_pkey PRIMARY KEY (job_id, seq)
);

create table signalbox.job_log (
  job_id uuid not null,
  seq integer not null,
  at timestamp with time zone not null,
  attempt integer not null,
  level text not null,
  message text not null,
  data jsonb,
  constraint job_log_job_id_fkey FOREIGN KEY (job_id) REFERENCES job(id) ON DELETE CASCADE,
  constraint job_log_level_check CHECK ((level = ANY (ARRAY['debug'::text, 'info'::text, 'warn'::text, 'error'::text]))),
  constraint job_log_pkey PRIMARY KEY (job_id, seq)
);

create table signalbox.leader (
  name text not null,
  holder uuid not null,
  elected_at timestamp with time zone not null default now(),
  lease_expires_at timestamp with time zone not null,
  constraint leader_pkey PRIMARY KEY (name)
);

create table signalbox.migration (
  id integer not null default nextval('migration_id_seq'::regclass),
  name character varying(255) not null,
  run_on timestamp without time zone not null,
  constraint migration_pkey PRIMARY KEY (id)
);

create table signalbox.worker (
  id uuid not null,
  hostname text not null,
  pid integer not null,
  queues text[],
  tasks text[] not null,
  concurrency integer not null,
  status text not null default 'running'::text,
  started_at timestamp with time zone not null default now(),
  heartbeat_at timestamp with time zone not null default now(),
  lease_expires_at timestamp with time zone not null,
  constraint worker_concurrency_check CHECK ((concurrency > 0)),
  constraint worker_pkey PRIMARY KEY (id),
  constraint worker_status_check CHECK ((status = ANY (ARRAY['running'::text, 'draining'::text])))
);

CREATE INDEX asset_by_owner ON signalbox.asset USING btree (owner, id DESC) WHERE (stored_at IS NOT NULL);

CREATE INDEX asset_unstored ON signalbox.asset USING btree (created_at) WHERE (stored_at IS NULL);

CREATE INDEX enhancement_by_asset ON signalbox.enhancement USING btree (asset_id);

CREATE INDEX job_by_owner ON signalbox.job USING btree (owner, id DESC);

CREATE INDEX job_by_status ON signalbox.job USING btree (status, id DESC);

CREATE INDEX job_claim ON signalbox.job USING btree (priority, run_at, id) WHERE (status = 'queued'::text);

CREATE INDEX job_due ON signalbox.job USING btree (run_at) WHERE (status = ANY (ARRAY['scheduled'::text, 'retrying'::text]));

CREATE INDEX job_processing ON signalbox.job USING btree (worker_id) WHERE (status = 'processing'::text);

CREATE OR REPLACE FUNCTION signalbox.job_guard()
 RETURNS trigger
 LANGUAGE plpgsql
AS $function$
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
end $function$
;

CREATE OR REPLACE FUNCTION signalbox.job_record()
 RETURNS trigger
 LANGUAGE plpgsql
AS $function$
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
end $function$
;

CREATE TRIGGER job_guard BEFORE INSERT OR UPDATE ON signalbox.job FOR EACH ROW EXECUTE FUNCTION job_guard();

CREATE TRIGGER job_record AFTER INSERT OR UPDATE ON signalbox.job FOR EACH ROW EXECUTE FUNCTION job_record();
