-- Made by `npm run schema`; a test compares it with the migrations.

create table signalbox.alert (
  id uuid not null,
  rule text not null,
  labels jsonb not null,
  severity text not null,
  state text not null,
  value double precision,
  summary text not null,
  remedy text not null,
  page text,
  since timestamp with time zone not null,
  seen_at timestamp with time zone not null,
  fired_at timestamp with time zone,
  resolved_at timestamp with time zone,
  acknowledged_at timestamp with time zone,
  acknowledged_by text,
  constraint alert_check CHECK (
CASE state
    WHEN 'pending'::text THEN ((fired_at IS NULL) AND (resolved_at IS NULL))
    WHEN 'firing'::text THEN ((fired_at IS NOT NULL) AND (resolved_at IS NULL))
    ELSE ((fired_at IS NOT NULL) AND (resolved_at IS NOT NULL))
END),
  constraint alert_pkey PRIMARY KEY (id),
  constraint alert_severity_check CHECK ((severity = ANY (ARRAY['info'::text, 'warning'::text, 'critical'::text]))),
  constraint alert_state_check CHECK ((state = ANY (ARRAY['pending'::text, 'firing'::text, 'resolved'::text])))
);

create table signalbox.alert_evaluation (
  only_one boolean not null default true,
  evaluated_at timestamp with time zone not null,
  unknown text[] not null,
  constraint alert_evaluation_only_one_check CHECK (only_one),
  constraint alert_evaluation_pkey PRIMARY KEY (only_one)
);

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

create table signalbox.canary (
  queue text not null,
  job_id uuid,
  sent_at timestamp with time zone not null,
  every_ms double precision not null,
  answered_at timestamp with time zone,
  latency_ms double precision,
  unanswered integer not null default 0,
  unanswered_since timestamp with time zone,
  constraint canary_pkey PRIMARY KEY (queue)
);

create table signalbox.claim (
  id bigint not null,
  worker_id uuid not null,
  claimed_at timestamp with time zone not null default clock_timestamp(),
  job_ids uuid[] not null,
  runs integer[] not null,
  constraint claim_pkey PRIMARY KEY (id)
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

create table signalbox.finished (
  id uuid not null,
  lane_id integer not null,
  priority smallint not null,
  place bigint not null,
  created_at timestamp with time zone not null default now(),
  runs integer not null default 0,
  failures integer not null default 0,
  crashes integer not null default 0,
  max_attempts integer not null,
  timeout_ms integer not null,
  hold text,
  reason text,
  run_at timestamp with time zone,
  started_at timestamp with time zone,
  touched_at timestamp with time zone,
  expires_at timestamp with time zone,
  deadline_at timestamp with time zone,
  cancel_requested_at timestamp with time zone,
  limit_key text,
  limit_max integer,
  unique_key text,
  owner text,
  tags text[],
  trace_parent text,
  input json,
  error jsonb,
  progress jsonb,
  events jsonb,
  status text not null,
  finished_at timestamp with time zone not null default now(),
  worker_id uuid,
  result json,
  constraint finished_pkey PRIMARY KEY (id),
  constraint finished_status_check CHECK ((status = ANY (ARRAY['succeeded'::text, 'failed'::text, 'cancelled'::text])))
);

create table signalbox.freed (
  keys text[] not null
);

create table signalbox.gate (
  kind text not null,
  name text not null,
  paused_at timestamp with time zone,
  max_running integer,
  rate_count integer,
  rate_period_ms integer,
  tokens double precision not null default 0,
  refilled_at timestamp with time zone not null default now(),
  closed_until timestamp with time zone,
  declared jsonb not null default '{}'::jsonb,
  constraint gate_check CHECK (((rate_count IS NULL) = (rate_period_ms IS NULL))),
  constraint gate_kind_check CHECK ((kind = ANY (ARRAY['queue'::text, 'task'::text]))),
  constraint gate_max_running_check CHECK ((max_running >= 0)),
  constraint gate_pkey PRIMARY KEY (kind, name),
  constraint gate_rate_count_check CHECK ((rate_count > 0)),
  constraint gate_rate_period_ms_check CHECK ((rate_period_ms > 0))
);

create table signalbox.history (
  step integer not null,
  at timestamp with time zone not null,
  lane_id integer not null,
  enqueued integer not null default 0,
  started integer not null default 0,
  retried integer not null default 0,
  succeeded integer not null default 0,
  failed integer not null default 0,
  cancelled integer not null default 0,
  waits integer[],
  took integer[],
  constraint history_pkey PRIMARY KEY (step, at, lane_id),
  constraint history_step_check CHECK ((step = ANY (ARRAY[60, 3600])))
);

create table signalbox.history_request (
  step integer not null,
  at timestamp with time zone not null,
  process uuid not null,
  requests integer not null,
  server_errors integer not null,
  constraint history_request_pkey PRIMARY KEY (step, at, process),
  constraint history_request_step_check CHECK ((step = ANY (ARRAY[60, 3600])))
);

create table signalbox.history_state (
  only_one boolean not null default true,
  since timestamp with time zone not null,
  counted_to timestamp with time zone,
  constraint history_state_only_one_check CHECK (only_one),
  constraint history_state_pkey PRIMARY KEY (only_one)
);

create table signalbox.job (
  id uuid not null,
  lane_id integer not null,
  priority smallint not null,
  place bigint not null,
  created_at timestamp with time zone not null default now(),
  runs integer not null default 0,
  failures integer not null default 0,
  crashes integer not null default 0,
  max_attempts integer not null,
  timeout_ms integer not null,
  hold text,
  reason text,
  run_at timestamp with time zone,
  started_at timestamp with time zone,
  touched_at timestamp with time zone,
  expires_at timestamp with time zone,
  deadline_at timestamp with time zone,
  cancel_requested_at timestamp with time zone,
  limit_key text,
  limit_max integer,
  unique_key text,
  owner text,
  tags text[],
  trace_parent text,
  input json,
  error jsonb,
  progress jsonb,
  events jsonb,
  constraint job_hold_check CHECK ((hold = ANY (ARRAY['scheduled'::text, 'blocked'::text, 'retrying'::text, 'limited'::text]))),
  constraint job_limit_max_check CHECK ((limit_max > 0)),
  constraint job_limit_whole CHECK (((limit_key IS NULL) = (limit_max IS NULL))),
  constraint job_pkey PRIMARY KEY (id),
  constraint job_waits_for_time CHECK (((hold IS NULL) OR (hold <> ALL (ARRAY['scheduled'::text, 'retrying'::text])) OR (run_at IS NOT NULL)))
);

create table signalbox.job_log (
  job_id uuid not null,
  seq integer not null,
  at timestamp with time zone not null,
  attempt integer not null,
  level text not null,
  message text not null,
  data jsonb,
  constraint job_log_level_check CHECK ((level = ANY (ARRAY['debug'::text, 'info'::text, 'warn'::text, 'error'::text]))),
  constraint job_log_pkey PRIMARY KEY (job_id, seq)
);

create table signalbox.lane (
  id integer not null,
  queue text not null,
  task text not null,
  constraint lane_pkey PRIMARY KEY (id),
  constraint lane_queue_task_key UNIQUE (queue, task)
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

create table signalbox.notification_channel (
  channel text not null,
  claim uuid,
  claimed_until timestamp with time zone,
  not_before timestamp with time zone,
  throttled_until timestamp with time zone,
  failures integer not null default 0,
  last_success_at timestamp with time zone,
  last_failure_at timestamp with time zone,
  last_error text,
  job_id uuid,
  constraint notification_channel_channel_check CHECK ((channel <> ''::text)),
  constraint notification_channel_claim_whole CHECK ((num_nulls(claim, claimed_until) = ANY (ARRAY[0, 2]))),
  constraint notification_channel_failures_check CHECK ((failures >= 0)),
  constraint notification_channel_pkey PRIMARY KEY (channel)
);

create table signalbox.notification_delivery (
  id uuid not null,
  channel text not null,
  at timestamp with time zone not null,
  sender text not null,
  outcome text not null,
  title text not null,
  alert_ids uuid[] not null default '{}'::uuid[],
  message_key text,
  ms integer,
  error text,
  reply text,
  next_try_at timestamp with time zone,
  constraint notification_delivery_ms_check CHECK ((ms >= 0)),
  constraint notification_delivery_outcome_check CHECK ((outcome = ANY (ARRAY['delivered'::text, 'retry'::text, 'rejected'::text, 'unknown'::text, 'held'::text, 'silenced'::text, 'expired'::text]))),
  constraint notification_delivery_pkey PRIMARY KEY (id),
  constraint notification_delivery_sender_check CHECK ((sender = ANY (ARRAY['job'::text, 'escape'::text, 'test'::text, 'policy'::text])))
);

create table signalbox.notification_outbox (
  id uuid not null,
  channel text not null,
  fingerprint text not null,
  alert_id uuid not null,
  kind text not null,
  number bigint not null default 0,
  at timestamp with time zone not null,
  facts jsonb not null,
  due_at timestamp with time zone not null,
  expires_at timestamp with time zone not null,
  tries integer not null default 0,
  claim uuid,
  held_by uuid,
  outcome text,
  ended_at timestamp with time zone,
  constraint notification_outbox_alert_id_channel_kind_number_key UNIQUE (alert_id, channel, kind, number),
  constraint notification_outbox_end_whole CHECK ((num_nulls(outcome, ended_at) = ANY (ARRAY[0, 2]))),
  constraint notification_outbox_kind_check CHECK ((kind = ANY (ARRAY['firing'::text, 'resolved'::text, 'flapping'::text, 'settled'::text, 'reminder'::text]))),
  constraint notification_outbox_outcome_check CHECK ((outcome = ANY (ARRAY['delivered'::text, 'collapsed'::text, 'damped'::text, 'silenced'::text, 'unneeded'::text, 'expired'::text, 'rejected'::text]))),
  constraint notification_outbox_pkey PRIMARY KEY (id),
  constraint notification_outbox_tries_check CHECK ((tries >= 0))
);

create table signalbox.notification_silence (
  id uuid not null,
  kind text not null,
  rule text,
  labels jsonb not null default '{}'::jsonb,
  starts_at timestamp with time zone not null,
  ends_at timestamp with time zone,
  cron text,
  time_zone text,
  duration_ms bigint,
  reason text not null,
  created_by text not null,
  created_at timestamp with time zone not null,
  constraint notification_silence_cron_whole CHECK ((num_nulls(cron, time_zone, duration_ms) = ANY (ARRAY[0, 3]))),
  constraint notification_silence_duration_ms_check CHECK ((duration_ms > 0)),
  constraint notification_silence_ends CHECK (((ends_at IS NOT NULL) OR (cron IS NOT NULL))),
  constraint notification_silence_kind_check CHECK ((kind = ANY (ARRAY['silence'::text, 'maintenance'::text]))),
  constraint notification_silence_order CHECK ((ends_at >= starts_at)),
  constraint notification_silence_pkey PRIMARY KEY (id)
);

create table signalbox.notification_subject (
  channel text not null,
  fingerprint text not null,
  alert_id uuid not null,
  state text not null,
  edge_at timestamp with time zone not null,
  facts jsonb not null,
  told text not null default 'nothing'::text,
  told_at timestamp with time zone,
  reminders integer not null default 0,
  remind_at timestamp with time zone,
  flapping_since timestamp with time zone,
  settled_at timestamp with time zone,
  acknowledged_at timestamp with time zone,
  acknowledged_by text,
  constraint notification_subject_pkey PRIMARY KEY (channel, fingerprint),
  constraint notification_subject_reminders_check CHECK ((reminders >= 0)),
  constraint notification_subject_state_check CHECK ((state = ANY (ARRAY['firing'::text, 'resolved'::text]))),
  constraint notification_subject_told_check CHECK ((told = ANY (ARRAY['nothing'::text, 'perhaps'::text, 'firing'::text, 'flapping'::text, 'resolved'::text])))
);

create table signalbox.payload (
  job_id uuid not null,
  input json not null,
  constraint payload_pkey PRIMARY KEY (job_id)
);

create table signalbox.process_vitals (
  id uuid not null,
  roles text[] not null,
  hostname text not null,
  pid integer not null,
  started_at timestamp with time zone not null,
  seen_at timestamp with time zone not null,
  stopping_at timestamp with time zone,
  ended_at timestamp with time zone,
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
  http_p95_ms double precision,
  constraint process_vitals_pkey PRIMARY KEY (id)
);

create table signalbox.schedule (
  name text not null,
  source text not null,
  task text not null,
  input jsonb not null,
  slot_field text,
  cron text not null,
  time_zone text not null,
  catch_up text not null,
  overlap text not null,
  jitter_ms integer not null,
  priority smallint,
  owner text,
  tags text[] not null default '{}'::text[],
  paused boolean not null default false,
  enabled boolean not null default true,
  next_slot timestamp with time zone,
  due_at timestamp with time zone,
  held_slot timestamp with time zone,
  open_jobs uuid[] not null default '{}'::uuid[],
  failures integer not null default 0,
  last_error text,
  last_error_at timestamp with time zone,
  created_at timestamp with time zone not null default now(),
  updated_at timestamp with time zone not null default now(),
  constraint schedule_at_rest CHECK (((due_at IS NULL) OR (enabled AND (NOT paused)))),
  constraint schedule_catch_up_check CHECK ((catch_up = ANY (ARRAY['none'::text, 'latest'::text, 'all'::text]))),
  constraint schedule_jitter_ms_check CHECK ((jitter_ms >= 0)),
  constraint schedule_overlap_check CHECK ((overlap = ANY (ARRAY['allow'::text, 'skip'::text, 'wait'::text]))),
  constraint schedule_pkey PRIMARY KEY (name),
  constraint schedule_source_check CHECK ((source = ANY (ARRAY['code'::text, 'api'::text])))
);

create table signalbox.schedule_firing (
  schedule text not null,
  slot timestamp with time zone not null,
  kind text not null,
  outcome text not null,
  job_id uuid,
  missed_from timestamp with time zone,
  missed integer,
  at timestamp with time zone not null default now(),
  constraint schedule_firing_has_job CHECK (((outcome = 'enqueued'::text) = (job_id IS NOT NULL))),
  constraint schedule_firing_kind_check CHECK ((kind = ANY (ARRAY['slot'::text, 'manual'::text]))),
  constraint schedule_firing_missed CHECK (((outcome = 'missed'::text) = (missed_from IS NOT NULL))),
  constraint schedule_firing_outcome_check CHECK ((outcome = ANY (ARRAY['enqueued'::text, 'held'::text, 'skipped'::text, 'missed'::text]))),
  constraint schedule_firing_pkey PRIMARY KEY (schedule, slot, kind),
  constraint schedule_firing_schedule_fkey FOREIGN KEY (schedule) REFERENCES schedule(name) ON DELETE CASCADE
);

create table signalbox.slot (
  limiter text not null,
  job_id uuid not null,
  constraint slot_pkey PRIMARY KEY (limiter, job_id)
);

create table signalbox.span (
  trace_id text not null,
  span_id text not null,
  parent_id text,
  job_id uuid,
  name text not null,
  kind text not null,
  started_at timestamp with time zone not null,
  duration_us bigint not null,
  error text,
  attributes jsonb not null,
  constraint span_pkey PRIMARY KEY (trace_id, span_id)
);

create table signalbox.tally (
  lane_id integer not null,
  live bigint not null default 0,
  scheduled bigint not null default 0,
  retrying bigint not null default 0,
  processing bigint not null default 0,
  succeeded bigint not null default 0,
  failed bigint not null default 0,
  cancelled bigint not null default 0,
  at timestamp with time zone default now(),
  spans smallint[]
);

create table signalbox.unique_key (
  key text not null,
  job_id uuid not null,
  states text[] not null,
  until timestamp with time zone,
  constraint unique_key_pkey PRIMARY KEY (key)
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

CREATE INDEX alert_history ON signalbox.alert USING btree (resolved_at DESC, id DESC) WHERE (state = 'resolved'::text);

CREATE UNIQUE INDEX alert_open ON signalbox.alert USING btree (rule, labels) WHERE (state <> 'resolved'::text);

CREATE INDEX asset_by_owner ON signalbox.asset USING btree (owner, id DESC) WHERE (stored_at IS NOT NULL);

CREATE INDEX asset_unstored ON signalbox.asset USING btree (created_at) WHERE (stored_at IS NULL);

CREATE INDEX claim_by_worker ON signalbox.claim USING btree (worker_id);

CREATE INDEX enhancement_by_asset ON signalbox.enhancement USING btree (asset_id);

CREATE INDEX finished_by_owner ON signalbox.finished USING btree (owner, id) WHERE (owner IS NOT NULL);

CREATE INDEX finished_not_well ON signalbox.finished USING btree (status, id) WHERE (status <> 'succeeded'::text);

CREATE INDEX job_by_owner ON signalbox.job USING btree (owner, id) WHERE (owner IS NOT NULL);

CREATE INDEX job_cancelling ON signalbox.job USING btree (cancel_requested_at) WHERE (cancel_requested_at IS NOT NULL);

CREATE INDEX job_due ON signalbox.job USING btree (run_at) WHERE (hold = ANY (ARRAY['scheduled'::text, 'retrying'::text]));

CREATE INDEX job_ending ON signalbox.job USING btree (LEAST(expires_at, deadline_at)) WHERE ((expires_at IS NOT NULL) OR (deadline_at IS NOT NULL));

CREATE INDEX job_limited ON signalbox.job USING btree (limit_key, priority, place) WHERE (hold = 'limited'::text);

CREATE INDEX job_ready ON signalbox.job USING btree (lane_id, priority, place) WHERE (hold IS NULL);

CREATE INDEX notification_delivery_at ON signalbox.notification_delivery USING btree (at);

CREATE INDEX notification_delivery_channel ON signalbox.notification_delivery USING btree (channel, at DESC);

CREATE INDEX notification_outbox_edges ON signalbox.notification_outbox USING btree (channel, fingerprint, at) WHERE (kind = ANY (ARRAY['firing'::text, 'resolved'::text]));

CREATE INDEX notification_outbox_ended ON signalbox.notification_outbox USING btree (ended_at) WHERE (outcome IS NOT NULL);

CREATE INDEX notification_outbox_open ON signalbox.notification_outbox USING btree (channel, due_at) WHERE (outcome IS NULL);

CREATE INDEX notification_outbox_open_subject ON signalbox.notification_outbox USING btree (channel, fingerprint) WHERE (outcome IS NULL);

CREATE INDEX notification_silence_ends_at ON signalbox.notification_silence USING btree (ends_at);

CREATE INDEX notification_subject_alert ON signalbox.notification_subject USING btree (alert_id);

CREATE INDEX notification_subject_flapping ON signalbox.notification_subject USING btree (channel, edge_at) WHERE (flapping_since IS NOT NULL);

CREATE INDEX notification_subject_remind ON signalbox.notification_subject USING btree (channel, remind_at) WHERE (remind_at IS NOT NULL);

CREATE INDEX schedule_due ON signalbox.schedule USING btree (due_at) WHERE (due_at IS NOT NULL);

CREATE UNIQUE INDEX schedule_firing_held ON signalbox.schedule_firing USING btree (schedule) WHERE (outcome = 'held'::text);

CREATE INDEX slot_by_job ON signalbox.slot USING btree (job_id);

CREATE INDEX span_started_at ON signalbox.span USING btree (started_at);

create view signalbox.ended_jobs as
 SELECT f.id,
    l.task,
    l.queue,
    f.status,
    f.reason,
    f.priority,
    COALESCE(f.input, p.input) AS input,
    f.result,
    f.error,
    f.progress,
    f.runs AS attempt,
    f.failures,
    f.max_attempts,
    f.crashes,
    f.timeout_ms,
    f.owner,
    COALESCE(f.tags, '{}'::text[]) AS tags,
    f.trace_parent,
    f.limit_key,
    f.limit_max,
    f.unique_key,
    NULL::uuid AS worker_id,
    COALESCE(f.run_at, f.created_at) AS run_at,
    f.created_at,
    f.finished_at AS updated_at,
    f.started_at,
    f.finished_at,
    f.cancel_requested_at,
    f.expires_at,
    f.deadline_at
   FROM ((finished f
     JOIN lane l ON ((l.id = f.lane_id)))
     LEFT JOIN payload p ON (((f.input IS NULL) AND (p.job_id = f.id))));

create view signalbox.jobs as
 SELECT unfinished_jobs.id,
    unfinished_jobs.task,
    unfinished_jobs.queue,
    unfinished_jobs.status,
    unfinished_jobs.reason,
    unfinished_jobs.priority,
    unfinished_jobs.input,
    unfinished_jobs.result,
    unfinished_jobs.error,
    unfinished_jobs.progress,
    unfinished_jobs.attempt,
    unfinished_jobs.failures,
    unfinished_jobs.max_attempts,
    unfinished_jobs.crashes,
    unfinished_jobs.timeout_ms,
    unfinished_jobs.owner,
    unfinished_jobs.tags,
    unfinished_jobs.trace_parent,
    unfinished_jobs.limit_key,
    unfinished_jobs.limit_max,
    unfinished_jobs.unique_key,
    unfinished_jobs.worker_id,
    unfinished_jobs.run_at,
    unfinished_jobs.created_at,
    unfinished_jobs.updated_at,
    unfinished_jobs.started_at,
    unfinished_jobs.finished_at,
    unfinished_jobs.cancel_requested_at,
    unfinished_jobs.expires_at,
    unfinished_jobs.deadline_at
   FROM unfinished_jobs
UNION ALL
 SELECT ended_jobs.id,
    ended_jobs.task,
    ended_jobs.queue,
    ended_jobs.status,
    ended_jobs.reason,
    ended_jobs.priority,
    ended_jobs.input,
    ended_jobs.result,
    ended_jobs.error,
    ended_jobs.progress,
    ended_jobs.attempt,
    ended_jobs.failures,
    ended_jobs.max_attempts,
    ended_jobs.crashes,
    ended_jobs.timeout_ms,
    ended_jobs.owner,
    ended_jobs.tags,
    ended_jobs.trace_parent,
    ended_jobs.limit_key,
    ended_jobs.limit_max,
    ended_jobs.unique_key,
    ended_jobs.worker_id,
    ended_jobs.run_at,
    ended_jobs.created_at,
    ended_jobs.updated_at,
    ended_jobs.started_at,
    ended_jobs.finished_at,
    ended_jobs.cancel_requested_at,
    ended_jobs.expires_at,
    ended_jobs.deadline_at
   FROM ended_jobs;

create view signalbox.running as
 SELECT r.job_id,
    r.runs,
    c.id AS claim_id,
    c.worker_id,
    c.claimed_at
   FROM (claim c
     CROSS JOIN LATERAL UNNEST(c.job_ids, c.runs) r(job_id, runs));

create view signalbox.unfinished_jobs as
 SELECT j.id,
    l.task,
    l.queue,
        CASE
            WHEN (r.job_id IS NOT NULL) THEN 'processing'::text
            WHEN (j.hold = ANY (ARRAY['scheduled'::text, 'retrying'::text, 'blocked'::text])) THEN j.hold
            ELSE 'queued'::text
        END AS status,
    j.reason,
    j.priority,
    COALESCE(j.input, p.input) AS input,
    NULL::json AS result,
    j.error,
    j.progress,
        CASE
            WHEN (r.job_id IS NOT NULL) THEN (j.runs + 1)
            ELSE j.runs
        END AS attempt,
    j.failures,
    j.max_attempts,
    j.crashes,
    j.timeout_ms,
    j.owner,
    COALESCE(j.tags, '{}'::text[]) AS tags,
    j.trace_parent,
    j.limit_key,
    j.limit_max,
    j.unique_key,
    r.worker_id,
    COALESCE(j.run_at, j.created_at) AS run_at,
    j.created_at,
    GREATEST(j.created_at, j.touched_at, r.claimed_at) AS updated_at,
    COALESCE(r.claimed_at, j.started_at) AS started_at,
    NULL::timestamp with time zone AS finished_at,
    j.cancel_requested_at,
    j.expires_at,
    j.deadline_at
   FROM (((job j
     JOIN lane l ON ((l.id = j.lane_id)))
     LEFT JOIN running r ON (((r.job_id = j.id) AND (r.runs = j.runs))))
     LEFT JOIN payload p ON (((j.input IS NULL) AND (p.job_id = j.id))));

create view signalbox.workers as
 SELECT id,
    hostname,
    pid,
    queues,
    tasks,
    concurrency,
    status,
    started_at,
    heartbeat_at,
    lease_expires_at,
    (lease_expires_at > now()) AS live,
    ( SELECT (count(*))::integer AS count
           FROM (running r
             JOIN job j ON (((j.id = r.job_id) AND (j.runs = r.runs))))
          WHERE (r.worker_id = w.id)) AS running
   FROM worker w;

CREATE OR REPLACE FUNCTION signalbox.add_counts(a integer[], b integer[])
 RETURNS integer[]
 LANGUAGE sql
 IMMUTABLE PARALLEL SAFE
AS $function$
  select case when a is null then b when b is null then a else array(
    select coalesce(x.a, 0) + coalesce(x.b, 0) from unnest(a, b) with ordinality as x(a, b, n) order by x.n) end
$function$
;

CREATE OR REPLACE FUNCTION signalbox.ahead_in_key(p_key text, p_priority smallint, p_place bigint, p_limit integer)
 RETURNS integer
 LANGUAGE plpgsql
 STABLE
 SET plan_cache_mode TO 'force_generic_plan'
 SET enable_seqscan TO 'off'
 SET enable_bitmapscan TO 'off'
 SET jit TO 'off'
AS $function$
begin
  return (
    select count(*) from (
      select from signalbox.job j
      where j.hold = 'limited' and j.limit_key = p_key and (j.priority, j.place) < (p_priority, p_place)
      order by j.limit_key, j.priority, j.place limit p_limit) as first);
end $function$
;

CREATE OR REPLACE FUNCTION signalbox.ahead_of(p_lanes integer[], p_priority smallint, p_place bigint, p_limit integer)
 RETURNS integer
 LANGUAGE plpgsql
 STABLE
 SET plan_cache_mode TO 'force_generic_plan'
 SET enable_seqscan TO 'off'
 SET enable_bitmapscan TO 'off'
 SET enable_hashjoin TO 'off'
 SET enable_mergejoin TO 'off'
 SET enable_material TO 'off'
 SET jit TO 'off'
AS $function$
begin
  return (
    with busy as materialized (select r.job_id, r.runs from signalbox.running r)
    select count(*) from (
      select from unnest(p_lanes) as l(id)
      cross join lateral (
        select from signalbox.job j
        where j.lane_id = l.id and j.hold is null and (j.priority, j.place) < (p_priority, p_place)
          and (j.id, j.runs) not in (select b.job_id, b.runs from busy b)
        order by j.lane_id, j.priority, j.place limit p_limit) as one
      limit p_limit) as first);
end $function$
;

CREATE OR REPLACE FUNCTION signalbox.begun(events jsonb, run integer, at timestamp with time zone, worker uuid)
 RETURNS jsonb
 LANGUAGE sql
 STABLE PARALLEL SAFE
AS $function$
  select case when not events @> jsonb_build_array(jsonb_build_object('attempt', run))
    then signalbox.event(at, 'processing', run, jsonb_build_object('worker_id', worker)) end
$function$
;

CREATE OR REPLACE FUNCTION signalbox.birth(created_at timestamp with time zone, run_at timestamp with time zone)
 RETURNS jsonb
 LANGUAGE sql
 STABLE PARALLEL SAFE
AS $function$
  select jsonb_build_array(
    signalbox.event(created_at, case when run_at > created_at then 'scheduled' else 'queued' end, 0,
      jsonb_build_object('run_at', case when run_at > created_at then run_at end)) || '{"seq": 1}')
$function$
;

CREATE OR REPLACE FUNCTION signalbox.brief(j job, input json)
 RETURNS text
 LANGUAGE sql
 STABLE
AS $function$
  select concat('["', j.id, '",', j.lane_id, ',', j.runs + 1, ',', j.failures, ',', j.crashes, ',', j.max_attempts, ',',
    j.timeout_ms, ',', input, ',',
    signalbox.ready_since(j),
    case when coalesce(j.owner, j.limit_key, j.trace_parent) is not null or j.tags is not null
           or least(j.expires_at, j.deadline_at) is not null
         then ',' || json_build_object('owner', j.owner, 'tags', j.tags, 'trace_parent', j.trace_parent,
           'left_ms', extract(epoch from j.deadline_at - statement_timestamp()) * 1000,
           'start_ms', case when j.started_at is null
             then extract(epoch from j.expires_at - statement_timestamp()) * 1000 end)::text end, ']')
$function$
;

CREATE OR REPLACE FUNCTION signalbox.busy_claims(p_claims bigint[])
 RETURNS bigint[]
 LANGUAGE plpgsql
 SET plan_cache_mode TO 'force_generic_plan'
 SET enable_seqscan TO 'off'
 SET enable_bitmapscan TO 'off'
 SET enable_hashjoin TO 'off'
 SET enable_mergejoin TO 'off'
 SET jit TO 'off'
AS $function$
declare
  v_held bigint[];
begin
  if cardinality(p_claims) = 0 then
    return '{}';
  end if;
  v_held := array(select c.id from signalbox.claim c where c.id = any(p_claims) for update skip locked);
  return array(select p.id from unnest(p_claims) as p(id) where p.id <> all(v_held));
end $function$
;

CREATE OR REPLACE FUNCTION signalbox.cancel(p_id uuid)
 RETURNS text
 LANGUAGE plpgsql
 SET lock_timeout TO '5s'
AS $function$
begin
  perform signalbox.lock_claims();
  -- A worker may be ending it or putting it back at this moment: without waiting for that, the wish would meet neither
  -- the run that is over nor the job that waits, and be lost.
  perform from signalbox.claim c
  where c.id in (select r.claim_id from signalbox.running r where r.job_id = p_id) for update;
  perform from signalbox.job j where j.id = p_id for update;
  if exists (select from signalbox.running r join signalbox.job j on j.id = r.job_id and j.runs = r.runs
             where r.job_id = p_id) then
    update signalbox.job j
    set cancel_requested_at = now(), touched_at = now(),
        events = signalbox.remember(signalbox.history(j),
          signalbox.begun(signalbox.history(j), j.runs + 1, r.claimed_at, r.worker_id),
          signalbox.event(now(), 'cancel_requested', j.runs + 1, '{}'))
    from signalbox.running r
    where j.id = p_id and r.job_id = j.id and r.runs = j.runs and j.cancel_requested_at is null;
    perform pg_notify('signalbox', 'job:' || p_id);
    return 'processing';
  end if;
  -- It does not run, or its worker has put it back or ended it this moment; it cannot be claimed again meanwhile.
  if exists (select from signalbox.end_jobs(array[p_id], 'cancelled', 'cancelled', null, false)) then
    perform pg_notify('signalbox', 'job:' || p_id);
    return 'cancelled';
  end if;
  return null;
end $function$
;

CREATE OR REPLACE FUNCTION signalbox.claim(p_worker uuid, p_queues text[], p_tasks text[], p_limit integer, p_suspects boolean, p_floor_priority smallint, p_floor_place bigint, OUT claim_id bigint, OUT taken integer, OUT limited boolean, OUT last_priority smallint, OUT last_place bigint, OUT jobs text, OUT opens_in_ms double precision, OUT again boolean, OUT lost boolean)
 RETURNS record
 LANGUAGE plpgsql
 SET plan_cache_mode TO 'force_generic_plan'
 SET enable_seqscan TO 'off'
 SET enable_bitmapscan TO 'off'
 SET enable_hashjoin TO 'off'
 SET enable_mergejoin TO 'off'
 SET enable_material TO 'off'
 SET jit TO 'off'
AS $function$
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
end $function$
;

CREATE OR REPLACE FUNCTION signalbox.claimed(p_claim bigint)
 RETURNS text
 LANGUAGE plpgsql
 STABLE
 SET plan_cache_mode TO 'force_generic_plan'
 SET enable_seqscan TO 'off'
 SET enable_bitmapscan TO 'off'
 SET enable_hashjoin TO 'off'
 SET enable_mergejoin TO 'off'
 SET jit TO 'off'
AS $function$
begin
  return (
    select '[' || string_agg(signalbox.brief(j, coalesce(j.input, p.input)), ',' order by r.ord) || ']'
    from signalbox.claim c
    cross join lateral unnest(c.job_ids, c.runs) with ordinality as r(id, runs, ord)
    join signalbox.job j on j.id = r.id and j.runs = r.runs
    left join signalbox.payload p on j.input is null and p.job_id = j.id
    where c.id = p_claim);
end $function$
;

CREATE OR REPLACE FUNCTION signalbox.claimed_at(p_worker uuid, p_claims bigint[])
 RETURNS timestamp with time zone[]
 LANGUAGE sql
 STABLE
AS $function$
  select array(
    select c.claimed_at from unnest(p_claims) with ordinality as p(id, ord)
    left join signalbox.claim c on c.id = p.id and c.worker_id = p_worker order by p.ord)
$function$
;

CREATE OR REPLACE FUNCTION signalbox.claimed_before(p_job uuid)
 RETURNS integer
 LANGUAGE plpgsql
 STABLE
 SET plan_cache_mode TO 'force_generic_plan'
 SET enable_seqscan TO 'off'
 SET enable_bitmapscan TO 'off'
 SET enable_hashjoin TO 'off'
 SET enable_mergejoin TO 'off'
 SET jit TO 'off'
AS $function$
begin
  return (
    with held as materialized (
      select c.worker_id, c.id as claim_id, r.ord, r.job_id from signalbox.claim c
      cross join lateral unnest(c.job_ids, c.runs) with ordinality as r(job_id, runs, ord)
      join signalbox.job j on j.id = r.job_id and j.runs = r.runs)
    select count(o.job_id) from held h
    left join held o on o.worker_id = h.worker_id and (o.claim_id, o.ord) < (h.claim_id, h.ord)
    where h.job_id = p_job);
end $function$
;

CREATE OR REPLACE FUNCTION signalbox.collect_canaries(p_task text)
 RETURNS TABLE(queue text, answered boolean, latency_ms double precision)
 LANGUAGE plpgsql
 SET plan_cache_mode TO 'force_generic_plan'
 SET enable_seqscan TO 'off'
 SET enable_bitmapscan TO 'off'
 SET enable_hashjoin TO 'off'
 SET enable_mergejoin TO 'off'
 SET enable_material TO 'off'
 SET jit TO 'off'
AS $function$
#variable_conflict use_column
begin
  return query
  with mine as (
    select c.queue, c.job_id, c.sent_at from signalbox.canary c
    where c.job_id is not null order by c.queue for update skip locked),
  gone as (
    delete from signalbox.finished f using mine m where f.id = m.job_id
    returning f.id, f.lane_id, f.status, f.finished_at, f.created_at),
  counted as (
    insert into signalbox.tally (lane_id, succeeded, failed, cancelled)
    select g.lane_id, -count(*) filter (where g.status = 'succeeded'), -count(*) filter (where g.status = 'failed'),
           -count(*) filter (where g.status = 'cancelled')
    from gone g group by g.lane_id),
  judged as (
    select m.queue, m.sent_at, g.finished_at, g.status = 'succeeded' as answered,
           extract(epoch from g.finished_at - g.created_at)::double precision * 1000 as latency_ms,
           exists (select from signalbox.worker w
                   where w.status = 'running' and w.lease_expires_at > now() and w.started_at <= m.sent_at
                     and p_task = any(w.tasks) and (w.queues is null or m.queue = any(w.queues))) as awaited
    from gone g join mine m on m.job_id = g.id)
  update signalbox.canary c
  set job_id = null,
      answered_at = case when j.answered then j.finished_at else c.answered_at end,
      latency_ms = case when j.answered then j.latency_ms else c.latency_ms end,
      unanswered = case when j.answered then 0 else c.unanswered + j.awaited::integer end,
      unanswered_since = case when j.answered then null when j.awaited then coalesce(c.unanswered_since, j.sent_at)
                              else c.unanswered_since end
  from judged j where c.queue = j.queue
  returning c.queue, j.answered, case when j.answered then j.latency_ms end;
end $function$
;

CREATE OR REPLACE FUNCTION signalbox.end_cancelled(p_grace_ms double precision)
 RETURNS SETOF uuid
 LANGUAGE plpgsql
 SET plan_cache_mode TO 'force_generic_plan'
 SET enable_seqscan TO 'off'
 SET enable_hashjoin TO 'off'
 SET enable_mergejoin TO 'off'
 SET jit TO 'off'
AS $function$
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
end $function$
;

CREATE OR REPLACE FUNCTION signalbox.end_jobs(p_ids uuid[], p_status text, p_reason text, p_error jsonb, p_crashed boolean)
 RETURNS SETOF uuid
 LANGUAGE plpgsql
 SET plan_cache_mode TO 'force_generic_plan'
 SET enable_seqscan TO 'off'
 SET enable_bitmapscan TO 'off'
 SET enable_hashjoin TO 'off'
 SET enable_mergejoin TO 'off'
 SET enable_material TO 'off'
 SET jit TO 'off'
AS $function$
#variable_conflict use_column
declare
  v_busy bigint[];
begin
  v_busy := signalbox.busy_claims(array(select r.claim_id from signalbox.running r where r.job_id = any(p_ids)));
  return query
  with busy as materialized (select * from signalbox.running),
  ended as (
    delete from signalbox.job j using unnest(p_ids) as d(id)
    where j.id = d.id
      and not exists (select from busy b where b.job_id = j.id and b.runs = j.runs and b.claim_id = any(v_busy))
    returning j.*, (select b.claimed_at from busy b where b.job_id = j.id and b.runs = j.runs) as claimed_at,
              (select b.worker_id from busy b where b.job_id = j.id and b.runs = j.runs) as worker_id),
  kept as (
    insert into signalbox.finished
      (id, lane_id, priority, place, created_at, runs, failures, crashes, max_attempts, timeout_ms, reason, run_at,
       started_at, touched_at, expires_at, deadline_at, cancel_requested_at, limit_key, limit_max, unique_key, owner,
       tags, trace_parent, input, error, progress, events, status, finished_at, worker_id, result)
    select id, lane_id, priority, place, created_at, case when claimed_at is null then runs else runs + 1 end,
       failures, case when p_crashed then crashes + 1 else crashes end, max_attempts, timeout_ms, p_reason, run_at,
       coalesce(claimed_at, started_at), touched_at, expires_at, deadline_at,
       case when p_status = 'cancelled' then coalesce(cancel_requested_at, now()) else cancel_requested_at end,
       limit_key, limit_max, unique_key, owner, tags, trace_parent, input,
       coalesce(p_error || jsonb_build_object('attempt', case when claimed_at is null then runs else runs + 1 end), error),
       progress, events, p_status, now(), worker_id, null
    from ended),
  counted as (
    insert into signalbox.tally (lane_id, live, processing, scheduled, retrying, failed, cancelled)
    select lane_id, -count(*), -count(claimed_at), -count(*) filter (where hold = 'scheduled'),
           -count(*) filter (where hold = 'retrying'),
           count(*) filter (where p_status = 'failed'), count(*) filter (where p_status = 'cancelled')
    from ended group by lane_id),
  unslotted as (delete from signalbox.slot s using ended e where s.job_id = e.id),
  -- One that could be claimed had been let in to room of its key, which the next can have now. One that waited for its
  -- key may have been the first, and the next may allow more of the key at once.
  freed as (
    insert into signalbox.freed (keys)
    select array_agg(distinct e.limit_key) from ended e
    where e.limit_key is not null and (e.hold is null or e.hold = 'limited') and e.claimed_at is null having count(*) > 0),
  released as (
    delete from signalbox.unique_key u using ended e
    where e.unique_key is not null and u.key = e.unique_key and u.job_id = e.id and not p_status = any(u.states))
  select id from ended;
end $function$
;

CREATE OR REPLACE FUNCTION signalbox.end_overdue(p_limit integer, p_grace_ms double precision)
 RETURNS TABLE(job_id uuid, reason text)
 LANGUAGE plpgsql
 SET plan_cache_mode TO 'force_generic_plan'
 SET enable_seqscan TO 'off'
 SET enable_hashjoin TO 'off'
 SET enable_mergejoin TO 'off'
 SET jit TO 'off'
AS $function$
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
end $function$
;

CREATE OR REPLACE FUNCTION signalbox.event(at timestamp with time zone, type text, attempt integer, data jsonb)
 RETURNS jsonb
 LANGUAGE sql
 STABLE PARALLEL SAFE
AS $function$
  select jsonb_build_object('at', at, 'type', type, 'attempt', attempt, 'data', jsonb_strip_nulls(data))
$function$
;

CREATE OR REPLACE FUNCTION signalbox.finish(p_worker uuid, p_claims bigint[], p_from smallint[], p_ids uuid[], p_runs integer[], p_statuses text[], p_reasons text[], p_results text[], p_errors text[], p_limited boolean[], p_done bigint[])
 RETURNS uuid[]
 LANGUAGE plpgsql
 SET plan_cache_mode TO 'force_generic_plan'
 SET enable_seqscan TO 'off'
 SET enable_bitmapscan TO 'off'
 SET enable_nestloop TO 'off'
 SET enable_mergejoin TO 'off'
 SET enable_material TO 'off'
 SET jit TO 'off'
AS $function$
declare
  v_at timestamptz[];
  v_held uuid[];
  v_lanes integer[];
  v_ends text[];
  v_keys text[];
  v_spans smallint[];
  v_now double precision := date_part('epoch', now());
  v_moved integer;
begin
  perform from signalbox.claim c where c.id = any(p_claims) for share;
  v_at := signalbox.claimed_at(p_worker, p_claims);
  for try in 1..2 loop
    begin
      with kept as (
        insert into signalbox.finished
          (id, lane_id, priority, place, created_at, runs, failures, crashes, max_attempts, timeout_ms, reason, run_at,
           started_at, touched_at, expires_at, deadline_at, cancel_requested_at, limit_key, limit_max, unique_key,
           owner, tags, trace_parent, input, error, progress, events, status, worker_id, result)
        select j.id, j.lane_id, j.priority, j.place, j.created_at, d.run,
           case when d.status = 'failed' then j.failures + 1 else j.failures end, j.crashes, j.max_attempts,
           j.timeout_ms, d.reason, j.run_at, v_at[d.source], j.touched_at, j.expires_at, j.deadline_at,
           j.cancel_requested_at, j.limit_key, j.limit_max, j.unique_key, j.owner, j.tags, j.trace_parent, j.input,
           case when d.status <> 'succeeded' then coalesce(d.error::jsonb, j.error) end, j.progress, j.events,
           coalesce(d.status, 'succeeded'), p_worker, d.result::json
        from signalbox.job j
        join unnest(p_ids, p_runs, p_from, p_statuses, p_reasons, p_results, p_errors)
               as d(id, run, source, status, reason, result, error) on j.id = d.id
        where j.id = any(p_ids) and j.runs = d.run - 1 and v_at[d.source] is not null
        returning id, lane_id, status, unique_key, place, date_part('epoch', started_at) as began)
      select array_agg(k.id), array_agg(k.lane_id), array_agg(k.status),
             case when count(k.unique_key) > 0 then array_agg(k.unique_key) end,
             array_agg((32 * signalbox.span(k.began - k.place::float8 / 1000000) + signalbox.span(v_now - k.began))::smallint)
      into v_held, v_lanes, v_ends, v_keys, v_spans
      from kept k;
      exit;
    exception when unique_violation then
      -- The same outcomes were on their way already, by a connection that was given up. They have arrived now, so the
      -- next look finds no such jobs.
      if try = 2 then
        raise;
      end if;
    end;
  end loop;
  delete from signalbox.job j where j.id = any(v_held);
  get diagnostics v_moved = row_count;
  if v_moved <> coalesce(cardinality(v_held), 0) then
    raise exception 'jobs that ran were changed by somebody who did not hold their claim';
  end if;
  insert into signalbox.tally (lane_id, live, processing, succeeded, failed, cancelled, spans)
  select e.lane, -count(*), -count(*), count(*) filter (where e.status = 'succeeded'),
         count(*) filter (where e.status = 'failed'), count(*) filter (where e.status = 'cancelled'),
         array_agg(e.span)
  from unnest(v_lanes, v_ends, v_spans) as e(lane, status, span) group by e.lane;
  if p_limited is not null then
    delete from signalbox.slot s where s.job_id = any(v_held);
  end if;
  if v_keys is not null then
    perform signalbox.release_keys(v_held, v_keys, v_ends);
  end if;
  delete from signalbox.claim c where c.id = any(p_done);
  return case when v_moved = cardinality(p_ids) then null else coalesce(v_held, '{}') end;
end $function$
;

CREATE OR REPLACE FUNCTION signalbox.forget(p_after uuid, p_limit integer, p_succeeded_ms double precision, p_failed_ms double precision, p_cancelled_ms double precision, OUT seen integer, OUT removed integer, OUT last uuid)
 RETURNS record
 LANGUAGE plpgsql
 SET plan_cache_mode TO 'force_generic_plan'
 SET enable_seqscan TO 'off'
 SET enable_bitmapscan TO 'off'
 SET enable_hashjoin TO 'off'
 SET enable_mergejoin TO 'off'
 SET enable_material TO 'off'
 SET jit TO 'off'
AS $function$
declare
  v_after uuid := coalesce(p_after, '00000000-0000-0000-0000-000000000000');
  v_succeeded timestamptz := now() - p_succeeded_ms * interval '1 millisecond';
  v_failed timestamptz := now() - p_failed_ms * interval '1 millisecond';
  v_cancelled timestamptz := now() - p_cancelled_ms * interval '1 millisecond';
  v_newest bigint := greatest(extract(epoch from greatest(v_succeeded, v_failed, v_cancelled)) * 1000, 0)::bigint;
  v_before uuid := (lpad(to_hex(v_newest), 12, '0') || repeat('0', 20))::uuid;
  v_holders uuid[];
  v_keys text[];
  v_locked uuid[];
  v_busy uuid[] := '{}';
begin
  removed := 0;
  select count(*), (array_agg(s.id order by s.id))[count(*)::integer],
         array_agg(s.id) filter (where s.unique_key is not null),
         array_agg(s.unique_key) filter (where s.unique_key is not null)
  into seen, last, v_holders, v_keys
  from (select f.id, f.unique_key from signalbox.finished f
        where f.id > v_after and f.id < v_before order by f.id limit p_limit) as s;
  if seen = 0 then
    last := p_after;
    return;
  end if;
  if v_keys is not null then
    v_locked := array(
      select u.job_id from unnest(v_keys, v_holders) as h(key, id)
      join signalbox.unique_key u on u.key = h.key and u.job_id = h.id for update of u skip locked);
    v_busy := array(
      select u.job_id from unnest(v_keys, v_holders) as h(key, id)
      join signalbox.unique_key u on u.key = h.key and u.job_id = h.id where u.job_id <> all(v_locked));
  end if;
  with over as (
    select f.id from signalbox.finished f
    where f.id > v_after and f.id <= last
      and f.finished_at < case f.status when 'succeeded' then v_succeeded when 'failed' then v_failed else v_cancelled end
      and f.id <> all(v_busy)
    order by f.id for update skip locked),
  gone as (
    delete from signalbox.finished f using over o where f.id = o.id
    returning f.id, f.lane_id, f.status, f.unique_key),
  logs as (delete from signalbox.job_log l using gone g where l.job_id = g.id),
  payloads as (delete from signalbox.payload p using gone g where p.job_id = g.id),
  keys as (
    delete from signalbox.unique_key u using gone g
    where g.unique_key is not null and u.key = g.unique_key and u.job_id = g.id),
  counted as (
    insert into signalbox.tally (lane_id, succeeded, failed, cancelled)
    select g.lane_id, -count(*) filter (where g.status = 'succeeded'), -count(*) filter (where g.status = 'failed'),
           -count(*) filter (where g.status = 'cancelled')
    from gone g group by g.lane_id)
  select count(*) into removed from gone;
end $function$
;

CREATE OR REPLACE FUNCTION signalbox.gated_lanes(p_queues text[], p_tasks text[], at timestamp with time zone)
 RETURNS TABLE(lane integer, queue text, task text, queue_room integer, task_room integer, opens timestamp with time zone)
 LANGUAGE sql
 STABLE
AS $function$
  select l.id, l.queue, l.task,
         case when q.name is not null then signalbox.room(q, at) end,
         case when t.name is not null then signalbox.room(t, at) end,
         greatest(case when q.name is not null then signalbox.opens_at(q, at) end,
                  case when t.name is not null then signalbox.opens_at(t, at) end)
  from signalbox.lane l
  left join signalbox.gate q on q.kind = 'queue' and q.name = l.queue
  left join signalbox.gate t on t.kind = 'task' and t.name = l.task
  where l.task = any(p_tasks) and (p_queues is null or l.queue = any(p_queues))
$function$
;

CREATE OR REPLACE FUNCTION signalbox.give_back(p_worker uuid, p_claims bigint[], p_from smallint[], p_ids uuid[], p_runs integer[], p_holds text[], p_delays double precision[], p_reasons text[], p_errors text[], p_messages text[], p_begun boolean[], p_done bigint[])
 RETURNS uuid[]
 LANGUAGE plpgsql
 SET plan_cache_mode TO 'force_generic_plan'
 SET enable_seqscan TO 'off'
 SET enable_bitmapscan TO 'off'
 SET enable_hashjoin TO 'off'
 SET enable_mergejoin TO 'off'
 SET enable_material TO 'off'
 SET jit TO 'off'
AS $function$
declare
  v_at timestamptz[] := signalbox.claimed_at(p_worker, p_claims);
  v_held uuid[];
begin
  with back as (
    update signalbox.job j
    set runs = d.run,
        failures = case when d.hold = 'retrying' then j.failures + 1 else j.failures end,
        hold = d.hold,
        reason = d.reason,
        run_at = case when d.hold is null then j.run_at else now() + d.delay * interval '1 millisecond' end,
        started_at = case when d.begun then v_at[d.source] else j.started_at end,
        touched_at = now(),
        error = coalesce(d.error::jsonb, j.error),
        progress = case when d.message is null then j.progress else jsonb_build_object(
          'fraction', coalesce((j.progress ->> 'fraction')::float8, 0), 'message', d.message) end,
        events = signalbox.remember(signalbox.history(j),
          signalbox.begun(signalbox.history(j), d.run, v_at[d.source], p_worker),
          signalbox.event(now(), coalesce(d.hold, 'queued'), d.run, jsonb_build_object(
            'reason', d.reason, 'message', d.message, 'error', d.error::jsonb - 'stack',
            'run_at', case when d.hold is not null then now() + d.delay * interval '1 millisecond' end)))
    from unnest(p_ids, p_runs, p_from, p_holds, p_delays, p_reasons, p_errors, p_messages, p_begun)
           as d(id, run, source, hold, delay, reason, error, message, begun)
    where j.id = d.id and j.runs = d.run - 1 and v_at[d.source] is not null
    returning j.id, j.lane_id, j.hold, j.unique_key),
  counted as (
    insert into signalbox.tally (lane_id, processing, scheduled, retrying)
    select lane_id, -count(*), count(*) filter (where hold = 'scheduled'), count(*) filter (where hold = 'retrying')
    from back group by lane_id),
  unslotted as (delete from signalbox.slot s using back b where s.job_id = b.id),
  released as (
    delete from signalbox.unique_key u using back b
    where b.unique_key is not null and u.key = b.unique_key and u.job_id = b.id
      and not coalesce(b.hold, 'queued') = any(u.states)),
  settled as (delete from signalbox.claim c where c.id = any(p_done))
  select array_agg(id) into v_held from back;
  return case when cardinality(v_held) = cardinality(p_ids) then null else coalesce(v_held, '{}') end;
end $function$
;

CREATE OR REPLACE FUNCTION signalbox.head_of(p_lane integer, OUT job_id uuid, OUT place bigint, OUT oldest bigint)
 RETURNS record
 LANGUAGE plpgsql
 STABLE
 SET plan_cache_mode TO 'force_generic_plan'
 SET enable_seqscan TO 'off'
 SET enable_bitmapscan TO 'off'
 SET enable_hashjoin TO 'off'
 SET enable_mergejoin TO 'off'
 SET enable_material TO 'off'
 SET jit TO 'off'
AS $function$
declare
  v_priority integer := -32768;
  v_next signalbox.job;
begin
  for level in 1..50 loop
    with busy as materialized (select r.job_id, r.runs from signalbox.running r)
    select j.* into v_next from signalbox.job j
    where j.lane_id = p_lane and j.hold is null and j.priority >= v_priority
      and (j.id, j.runs) not in (select b.job_id, b.runs from busy b)
    order by j.lane_id, j.priority, j.place limit 1;
    exit when v_next.id is null;
    if level = 1 then
      job_id := v_next.id;
      place := v_next.place;
    end if;
    oldest := least(oldest, v_next.place);
    v_priority := v_next.priority + 1;
  end loop;
end $function$
;

CREATE OR REPLACE FUNCTION signalbox.heal_limits(OUT slots integer, OUT jobs integer)
 RETURNS record
 LANGUAGE plpgsql
 SET plan_cache_mode TO 'force_generic_plan'
 SET enable_seqscan TO 'off'
 SET enable_hashjoin TO 'off'
 SET enable_mergejoin TO 'off'
 SET jit TO 'off'
AS $function$
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
end $function$
;

CREATE OR REPLACE FUNCTION signalbox.history(j job)
 RETURNS jsonb
 LANGUAGE sql
 STABLE PARALLEL SAFE
AS $function$ select coalesce(j.events, signalbox.birth(j.created_at, j.run_at)) $function$
;

CREATE OR REPLACE FUNCTION signalbox.keep_history()
 RETURNS trigger
 LANGUAGE plpgsql
AS $function$
begin
  with unit(seconds, name) as (values (60, 'minute'), (3600, 'hour')),
  fresh as materialized (
    select g.*, date_trunc('minute', g.at, 'UTC') as minute
    from gone g join signalbox.lane l on l.id = g.lane_id
    where g.at is not null and l.task <> 'signalbox.canary'),
  counted as (
    select u.seconds, date_trunc(u.name, f.minute, 'UTC') as at, f.lane_id,
           coalesce(sum(f.live) filter (where f.succeeded = 0 and f.failed = 0 and f.cancelled = 0), 0) as enqueued,
           sum(greatest(f.processing, 0)) as started, sum(greatest(f.retrying, 0)) as retried,
           sum(greatest(f.succeeded, 0)) as succeeded, sum(greatest(f.failed, 0)) as failed,
           sum(greatest(f.cancelled, 0)) as cancelled
    from fresh f cross join unit u group by 1, 2, 3),
  span as materialized (
    select f.minute, f.lane_id, s.span, count(*) as n
    from fresh f cross join lateral unnest(f.spans) as s(span) group by 1, 2, 3),
  part as materialized (
    select u.seconds, date_trunc(u.name, s.minute, 'UTC') as at, s.lane_id, s.span / 32 as wait, s.span % 32 as took, s.n
    from span s cross join unit u),
  histogram as (
    select b.seconds, b.at, b.lane_id, array_agg(coalesce(w.n, 0)::integer order by b.nth) as waits,
           array_agg(coalesce(t.n, 0)::integer order by b.nth) as took
    from (select distinct p.seconds, p.at, p.lane_id, s.nth from part p cross join generate_series(0, 22) as s(nth)) as b
    left join (select seconds, at, lane_id, wait as nth, sum(n) as n from part group by 1, 2, 3, 4) as w
      using (seconds, at, lane_id, nth)
    left join (select seconds, at, lane_id, took as nth, sum(n) as n from part group by 1, 2, 3, 4) as t
      using (seconds, at, lane_id, nth)
    group by 1, 2, 3)
  insert into signalbox.history as h
    (step, at, lane_id, enqueued, started, retried, succeeded, failed, cancelled, waits, took)
  select c.seconds, c.at, c.lane_id, c.enqueued, c.started, c.retried, c.succeeded, c.failed, c.cancelled,
         g.waits, g.took
  from counted c left join histogram g using (seconds, at, lane_id)
  where c.enqueued + c.started + c.retried + c.succeeded + c.failed + c.cancelled > 0
  -- Two who add up at once never wait for each other.
  order by 1, 2, 3
  on conflict (step, at, lane_id) do update
  set enqueued = h.enqueued + excluded.enqueued, started = h.started + excluded.started,
      retried = h.retried + excluded.retried, succeeded = h.succeeded + excluded.succeeded,
      failed = h.failed + excluded.failed, cancelled = h.cancelled + excluded.cancelled,
      waits = signalbox.add_counts(h.waits, excluded.waits), took = signalbox.add_counts(h.took, excluded.took);
  return null;
end $function$
;

CREATE OR REPLACE FUNCTION signalbox.let_in(p_queues text[], p_tasks text[], p_floor_place bigint)
 RETURNS void
 LANGUAGE plpgsql
 SET plan_cache_mode TO 'force_generic_plan'
 SET enable_seqscan TO 'off'
 SET enable_bitmapscan TO 'off'
 SET enable_hashjoin TO 'off'
 SET enable_mergejoin TO 'off'
 SET enable_material TO 'off'
 SET jit TO 'off'
AS $function$
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
end $function$
;

CREATE OR REPLACE FUNCTION signalbox.lock_claims()
 RETURNS void
 LANGUAGE plpgsql
 SET lock_timeout TO '5s'
AS $function$
begin
  perform pg_advisory_xact_lock(1397181507, 1);
end $function$
;

CREATE OR REPLACE FUNCTION signalbox.not_promoted(p_before timestamp with time zone, p_limit integer)
 RETURNS TABLE(lane_id integer, run_at timestamp with time zone)
 LANGUAGE plpgsql
 STABLE
 SET plan_cache_mode TO 'force_generic_plan'
 SET enable_seqscan TO 'off'
 SET enable_bitmapscan TO 'off'
 SET jit TO 'off'
AS $function$
#variable_conflict use_column
begin
  return query
  select j.lane_id, j.run_at from signalbox.job j
  where j.hold in ('scheduled', 'retrying') and j.run_at <= p_before order by j.run_at limit p_limit;
end $function$
;

CREATE OR REPLACE FUNCTION signalbox.note_freed()
 RETURNS trigger
 LANGUAGE plpgsql
AS $function$
begin
  insert into signalbox.freed (keys)
  select array_agg(distinct substr(g.limiter, 5)) from gone g where g.limiter like 'key:%' having count(*) > 0;
  return null;
end $function$
;

CREATE OR REPLACE FUNCTION signalbox.oldest_ready()
 RETURNS TABLE(lane_id integer, place bigint)
 LANGUAGE plpgsql
 STABLE
 SET plan_cache_mode TO 'force_generic_plan'
 SET enable_seqscan TO 'off'
 SET enable_bitmapscan TO 'off'
 SET enable_sort TO 'off'
 SET jit TO 'off'
AS $function$
begin
  return query
  with recursive busy as materialized (select r.job_id, r.runs from signalbox.running r),
  used as (select t.lane_id from signalbox.tally t group by t.lane_id having sum(t.live) > 0),
  step(lane_id, priority) as (
    select u.lane_id, (select j.priority from signalbox.job j where j.lane_id = u.lane_id and j.hold is null
                       order by j.priority, j.place limit 1)
    from used u
    union all
    select s.lane_id, (select j.priority from signalbox.job j
                       where j.lane_id = s.lane_id and j.hold is null and j.priority > s.priority
                       order by j.priority, j.place limit 1)
    from step s where s.priority is not null),
  first as (
    select s.lane_id, (select j.place from signalbox.job j
                       where j.lane_id = s.lane_id and j.hold is null and j.priority = s.priority
                         and (j.id, j.runs) not in (select b.job_id, b.runs from busy b)
                       order by j.priority, j.place limit 1) as place
    from step s where s.priority is not null)
  select f.lane_id, min(f.place) from first f where f.place is not null group by f.lane_id;
end $function$
;

CREATE OR REPLACE FUNCTION signalbox.opens_at(g gate, at timestamp with time zone)
 RETURNS timestamp with time zone
 LANGUAGE sql
 STABLE
AS $function$
  select case
    when g.paused_at is not null then null
    when g.closed_until > at then g.closed_until
    when g.rate_count is not null and g.tokens < 1 then g.refilled_at
      + ((1 - g.tokens) * g.rate_period_ms / g.rate_count + 0.01) * interval '1 millisecond' end
$function$
;

CREATE OR REPLACE FUNCTION signalbox.overtime(p_grace_ms double precision)
 RETURNS SETOF running
 LANGUAGE sql
 STABLE
AS $function$
  select r.* from signalbox.running r join signalbox.job j on j.id = r.job_id and j.runs = r.runs
  where r.claimed_at + (j.timeout_ms + p_grace_ms) * interval '1 millisecond' < now()
$function$
;

CREATE OR REPLACE FUNCTION signalbox.place_of(at timestamp with time zone)
 RETURNS bigint
 LANGUAGE sql
 STABLE PARALLEL SAFE
AS $function$ select (extract(epoch from at) * 1000000)::bigint $function$
;

CREATE OR REPLACE FUNCTION signalbox.promote(p_limit integer)
 RETURNS TABLE(queue text, moved bigint)
 LANGUAGE plpgsql
 SET plan_cache_mode TO 'force_generic_plan'
 SET enable_seqscan TO 'off'
 SET enable_bitmapscan TO 'off'
 SET enable_hashjoin TO 'off'
 SET enable_mergejoin TO 'off'
 SET jit TO 'off'
AS $function$
#variable_conflict use_column
begin
  return query
  with due as (
    select j.id, j.hold, row_number() over () as ord from (
      select j.id, j.hold from signalbox.job j
      where j.hold in ('scheduled', 'retrying') and j.run_at <= now()
      order by j.run_at limit p_limit for update skip locked) as j),
  promoted as (
    update signalbox.job j
    set hold = null, place = signalbox.place_of(now()) + due.ord, touched_at = now(),
        reason = case when j.reason in ('snoozed', 'rate_limited') then null else j.reason end,
        events = signalbox.remember(signalbox.history(j), signalbox.event(now(), 'queued', j.runs, '{}'))
    from due where j.id = due.id
    returning j.id, j.lane_id, j.unique_key, due.hold),
  counted as (
    insert into signalbox.tally (lane_id, scheduled, retrying)
    select lane_id, -count(*) filter (where hold = 'scheduled'), -count(*) filter (where hold = 'retrying')
    from promoted group by lane_id),
  released as (
    delete from signalbox.unique_key u using promoted p
    where p.unique_key is not null and u.key = p.unique_key and u.job_id = p.id and not 'queued' = any(u.states))
  select l.queue, count(*) from promoted p join signalbox.lane l on l.id = p.lane_id group by l.queue;
end $function$
;

CREATE OR REPLACE FUNCTION signalbox.queue_ages()
 RETURNS TABLE(queue text, waiting_ms double precision, running_ms double precision, overrun_ms double precision)
 LANGUAGE plpgsql
 STABLE
 SET plan_cache_mode TO 'force_generic_plan'
 SET enable_seqscan TO 'off'
 SET enable_bitmapscan TO 'off'
 SET enable_hashjoin TO 'off'
 SET enable_mergejoin TO 'off'
 SET enable_material TO 'off'
 SET jit TO 'off'
AS $function$
#variable_conflict use_column
declare
  v_now bigint := signalbox.place_of(clock_timestamp());
begin
  return query
  with busy as materialized (select r.job_id, r.runs, r.claimed_at from signalbox.running r),
  ready as (
    select l.queue, (
      with recursive step as (
        (select j.priority, 1 as n from signalbox.job j where j.lane_id = l.id and j.hold is null
         order by j.priority limit 1)
        union all
        select (select j.priority from signalbox.job j
                where j.lane_id = l.id and j.hold is null and j.priority > s.priority order by j.priority limit 1), s.n + 1
        from step s where s.priority is not null and s.n < 100)
      select min((
        select signalbox.ready_since(j) from signalbox.job j
        where j.lane_id = l.id and j.hold is null and j.priority = s.priority
          and (j.id, j.runs) not in (select b.job_id, b.runs from busy b)
        order by j.place limit 1))
      from step s where s.priority is not null) as since
    from signalbox.lane l),
  due as (
    select l.queue, signalbox.place_of(min(j.run_at)) as since
    from (select j.lane_id, j.run_at from signalbox.job j
          where j.hold in ('scheduled', 'retrying') and j.run_at <= now() order by j.run_at limit 1000) as j
    join signalbox.lane l on l.id = j.lane_id
    group by l.queue),
  waiting as (
    select w.queue, (v_now - min(w.since)) / 1000.0 as ms
    from (select * from ready union all select * from due) as w group by w.queue),
  active as (
    select l.queue, extract(epoch from max(clock_timestamp() - b.claimed_at)) * 1000 as ms,
           max(extract(epoch from clock_timestamp() - b.claimed_at) * 1000 - j.timeout_ms) as over_ms
    from busy b
    join signalbox.job j on j.id = b.job_id and j.runs = b.runs
    join signalbox.lane l on l.id = j.lane_id
    group by l.queue)
  -- A null among them would count for nothing: unknown is not 0.
  select w.queue, case when w.ms is not null then greatest(w.ms, 0)::float8 end,
         case when a.ms is not null then greatest(a.ms, 0)::float8 end,
         case when a.ms is not null then greatest(a.over_ms, 0)::float8 end
  from waiting w left join active a on a.queue = w.queue;
end $function$
;

CREATE OR REPLACE FUNCTION signalbox.ready_since(j job)
 RETURNS bigint
 LANGUAGE sql
 STABLE PARALLEL SAFE
AS $function$
  select case when j.started_at is null or j.touched_at is null then j.place
    else greatest(j.place, signalbox.place_of(j.touched_at)) end
$function$
;

CREATE OR REPLACE FUNCTION signalbox.recent_durations(p_lanes integer[], OUT samples integer, OUT mean_ms double precision)
 RETURNS record
 LANGUAGE plpgsql
 STABLE
 SET plan_cache_mode TO 'force_generic_plan'
 SET enable_seqscan TO 'off'
 SET enable_bitmapscan TO 'off'
 SET jit TO 'off'
AS $function$
begin
  select count(*), avg(extract(epoch from f.finished_at - f.started_at) * 1000) into samples, mean_ms
  from (select * from signalbox.finished order by id desc limit 500) as f
  where f.lane_id = any(p_lanes) and f.started_at is not null and f.status <> 'cancelled'
    and f.finished_at > now() - interval '1 hour';
end $function$
;

CREATE OR REPLACE FUNCTION signalbox.release_keys(p_ids uuid[], p_keys text[], p_states text[])
 RETURNS void
 LANGUAGE plpgsql
 SET plan_cache_mode TO 'force_generic_plan'
 SET enable_seqscan TO 'off'
 SET enable_bitmapscan TO 'off'
 SET enable_hashjoin TO 'off'
 SET enable_mergejoin TO 'off'
 SET enable_material TO 'off'
 SET jit TO 'off'
AS $function$
begin
  delete from signalbox.unique_key u using unnest(p_ids, p_keys, p_states) as o(id, key, state)
  where u.key = o.key and u.job_id = o.id and not o.state = any(u.states);
end $function$
;

CREATE OR REPLACE FUNCTION signalbox.remember(events jsonb, VARIADIC added jsonb[])
 RETURNS jsonb
 LANGUAGE plpgsql
 STABLE PARALLEL SAFE
AS $function$
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
end $function$
;

CREATE OR REPLACE FUNCTION signalbox.rescue(p_max_crashes integer)
 RETURNS TABLE(job_id uuid, queue text, status text)
 LANGUAGE plpgsql
 SET plan_cache_mode TO 'force_generic_plan'
 SET enable_seqscan TO 'off'
 SET enable_hashjoin TO 'off'
 SET enable_mergejoin TO 'off'
 SET jit TO 'off'
AS $function$
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
end $function$
;

CREATE OR REPLACE FUNCTION signalbox.retry(p_id uuid)
 RETURNS uuid
 LANGUAGE plpgsql
AS $function$
declare
  f signalbox.finished;
begin
  select * into f from signalbox.finished x where x.id = p_id and x.status in ('failed', 'cancelled') for update;
  if f.id is null then
    return null;
  end if;
  if f.unique_key is not null then
    insert into signalbox.unique_key as u (key, job_id, states)
    values (f.unique_key, f.id, '{scheduled,blocked,queued,processing,retrying}')
    on conflict (key) do update
    set job_id = excluded.job_id,
        states = case when u.job_id = excluded.job_id then u.states else excluded.states end,
        until = case when u.job_id = excluded.job_id then u.until end
      where u.until <= now() or u.job_id = excluded.job_id;
    if not found then
      return null;
    end if;
  end if;
  delete from signalbox.finished x where x.id = p_id;
  insert into signalbox.job
    (id, lane_id, priority, place, created_at, runs, max_attempts, timeout_ms, reason, run_at, started_at, touched_at,
     limit_key, limit_max, unique_key, owner, tags, trace_parent, input, events)
  values
    (f.id, f.lane_id, f.priority, signalbox.place_of(now()), f.created_at, f.runs, f.max_attempts, f.timeout_ms,
     'retried', now(), f.started_at, now(), f.limit_key, f.limit_max, f.unique_key, f.owner, f.tags, f.trace_parent,
     f.input, signalbox.remember(signalbox.whole_history(f),
       signalbox.event(now(), 'queued', f.runs, '{"reason": "retried"}')));
  insert into signalbox.tally (lane_id, live, failed, cancelled)
  values (f.lane_id, 1, -(f.status = 'failed')::integer, -(f.status = 'cancelled')::integer);
  perform pg_notify('signalbox', 'job:' || p_id), pg_notify('signalbox', 'queue:' || l.queue)
  from signalbox.lane l where l.id = f.lane_id;
  return p_id;
end $function$
;

CREATE OR REPLACE FUNCTION signalbox.room(g gate, at timestamp with time zone)
 RETURNS integer
 LANGUAGE sql
 STABLE
AS $function$
  select case
    when g.paused_at is not null or g.closed_until > at then 0
    else least(
      g.max_running - (select count(*) from signalbox.slot s where s.limiter = g.kind || ':' || g.name),
      floor(signalbox.tokens(g, at)))::integer end
$function$
;

CREATE OR REPLACE FUNCTION signalbox.running_jobs()
 RETURNS TABLE(lane_id integer, worker_id uuid, claimed_at timestamp with time zone, timeout_ms integer)
 LANGUAGE plpgsql
 STABLE
 SET plan_cache_mode TO 'force_generic_plan'
 SET enable_seqscan TO 'off'
 SET enable_bitmapscan TO 'off'
 SET enable_hashjoin TO 'off'
 SET enable_mergejoin TO 'off'
 SET jit TO 'off'
AS $function$
#variable_conflict use_column
begin
  return query
  select j.lane_id, r.worker_id, r.claimed_at, j.timeout_ms from signalbox.running r
  join signalbox.job j on j.id = r.job_id and j.runs = r.runs;
end $function$
;

CREATE OR REPLACE FUNCTION signalbox.set_limits(p_kind text, p_name text, p_set_max boolean, p_max integer, p_set_rate boolean, p_rate_count integer, p_rate_period_ms integer, p_declared jsonb)
 RETURNS void
 LANGUAGE plpgsql
AS $function$
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
end $function$
;

CREATE OR REPLACE FUNCTION signalbox.span(seconds double precision)
 RETURNS integer
 LANGUAGE sql
 IMMUTABLE PARALLEL SAFE
AS $function$
  select width_bucket(seconds, array[0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5, 10, 20, 30,
    60, 120, 300, 600, 1800, 3600, 21600]::double precision[])
$function$
;

CREATE OR REPLACE FUNCTION signalbox.time_out(p_grace_ms double precision)
 RETURNS SETOF uuid
 LANGUAGE plpgsql
 SET plan_cache_mode TO 'force_generic_plan'
 SET enable_seqscan TO 'off'
 SET enable_hashjoin TO 'off'
 SET enable_mergejoin TO 'off'
 SET jit TO 'off'
AS $function$
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
end $function$
;

CREATE OR REPLACE FUNCTION signalbox.tokens(g gate, at timestamp with time zone)
 RETURNS double precision
 LANGUAGE sql
 STABLE
AS $function$
  select least(g.rate_count, g.tokens + greatest(extract(epoch from at - g.refilled_at), 0) * 1000
    * g.rate_count / g.rate_period_ms)
$function$
;

CREATE OR REPLACE FUNCTION signalbox.whole_history(f finished)
 RETURNS jsonb
 LANGUAGE plpgsql
 STABLE
AS $function$
declare
  v_before jsonb := coalesce(f.events, signalbox.birth(f.created_at, f.run_at));
  v_told integer := (select max((e ->> 'attempt')::integer) from jsonb_array_elements(v_before) as e);
begin
  return signalbox.remember(v_before,
    case when f.runs > v_told then
      signalbox.event(f.started_at, 'processing', f.runs, jsonb_build_object('worker_id', f.worker_id)) end,
    signalbox.event(f.finished_at, f.status, f.runs, jsonb_build_object(
      'reason', f.reason, 'error', case when f.status = 'failed' then f.error - 'stack' end)));
end $function$
;

CREATE OR REPLACE FUNCTION signalbox.worker_load()
 RETURNS TABLE(worker_id uuid, running integer)
 LANGUAGE plpgsql
 STABLE
 SET plan_cache_mode TO 'force_generic_plan'
 SET enable_seqscan TO 'off'
 SET enable_bitmapscan TO 'off'
 SET enable_hashjoin TO 'off'
 SET enable_mergejoin TO 'off'
 SET jit TO 'off'
AS $function$
#variable_conflict use_column
begin
  return query
  select r.worker_id, count(*)::integer from signalbox.running r
  join signalbox.job j on j.id = r.job_id and j.runs = r.runs group by r.worker_id;
end $function$
;

CREATE TRIGGER slot_freed AFTER DELETE ON signalbox.slot REFERENCING OLD TABLE AS gone FOR EACH STATEMENT EXECUTE FUNCTION note_freed();

CREATE TRIGGER tally_kept AFTER DELETE ON signalbox.tally REFERENCING OLD TABLE AS gone FOR EACH STATEMENT EXECUTE FUNCTION keep_history();
