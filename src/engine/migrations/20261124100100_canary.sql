-- Up Migration

create table signalbox.canary (
  queue text primary key,
  job_id uuid,
  sent_at timestamptz not null,
  every_ms double precision not null,
  answered_at timestamptz,
  latency_ms double precision,
  unanswered integer not null default 0,
  unanswered_since timestamptz
);
comment on table signalbox.canary is 'The canary of each queue: when the last one was sent, and what came of it';
comment on column signalbox.canary.job_id is 'Its job while it is on its way; null: it has ended';
comment on column signalbox.canary.unanswered is 'Canaries without an answer since the last one that had one, although a worker was there for them';

-- Notes what came of canaries that have ended, and removes their jobs: nobody else needs them. Of many processes at
-- once one does it. One that ended unanswered counts only when a worker was there for it all the time.
create function signalbox.collect_canaries(p_task text)
returns table (queue text, answered boolean, latency_ms double precision)
language plpgsql
set plan_cache_mode = force_generic_plan set enable_seqscan = off set enable_bitmapscan = off
set enable_hashjoin = off set enable_mergejoin = off set enable_material = off set jit = off as $$
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
end $$;

-- Down Migration

drop function signalbox.collect_canaries(text);
drop table signalbox.canary;
