import type { Queryable } from '../../database/queryable.js';

/** What the database knows that may keep one job waiting. */
export interface WaitFacts {
  /** Live workers that take jobs from this queue and know this task. */
  readonly able: number;
  /** Their slots, and how many of these are taken. */
  readonly slots: number;
  readonly busy: number;
  /** Live workers of this queue that do not know the task. */
  readonly withoutTask: number;
  /** Live workers that know the task but do not serve the queue. */
  readonly withoutQueue: number;
  /** Workers that know both but are about to stop. */
  readonly draining: number;
  /** Queued jobs of this queue that are claimed before this one; counted up to 1,000. */
  readonly ahead: number;
  /** Whether the time to start has come, by the database's clock. */
  readonly due: boolean;
  /** Whether the worker that holds the job has a valid lease. */
  readonly holderLive: boolean;
  /** What its queue and its task let through; those that restrict nothing are left out. */
  readonly gates: readonly GateFacts[];
  /** Running jobs that use the slots of its concurrency key; at most ten are named. */
  readonly keyHolders: readonly string[];
  readonly keyInUse: number;
}

export interface GateFacts {
  readonly kind: 'queue' | 'task';
  readonly name: string;
  readonly paused: boolean;
  /** `null`: no limit. */
  readonly maxRunning: number | null;
  readonly inUse: number;
  readonly holders: readonly string[];
  /** Not before this time, by a rate or because an upstream asked for it; `null`: now. */
  readonly closedUntil: Date | null;
}

// A handful of worker rows, the claims for the load, index `job_ready` for what is ahead, index `slot_pkey` for limits.
const factsSql = `
  with j as (select * from signalbox.job where id = $1),
  l as (select l.* from signalbox.lane l join j on j.lane_id = l.id),
  w as (
    select w.status, w.concurrency, (w.queues is null or l.queue = any(w.queues)) as serves,
           l.task = any(w.tasks) as knows, w.running
    from signalbox.workers w, l where w.live),
  g as (
    select g.*, (select count(*)::integer from signalbox.slot s where s.limiter = g.kind || ':' || g.name) as in_use,
           array(select s.job_id from signalbox.slot s where s.limiter = g.kind || ':' || g.name limit 10) as holders,
           signalbox.opens_at(g, now()) as opens
    from signalbox.gate g, l where (g.kind = 'queue' and g.name = l.queue) or (g.kind = 'task' and g.name = l.task))
  select
    count(*) filter (where serves and knows and status = 'running')::integer as able,
    coalesce(sum(concurrency) filter (where serves and knows and status = 'running'), 0)::integer as slots,
    coalesce(sum(running) filter (where serves and knows and status = 'running'), 0)::integer as busy,
    count(*) filter (where serves and not knows)::integer as without_task,
    count(*) filter (where knows and not serves)::integer as without_queue,
    count(*) filter (where serves and knows and status = 'draining')::integer as draining,
    (select count(*)::integer from (
       select 1 from signalbox.job q, j
       where q.lane_id in (select o.id from signalbox.lane o, l where o.queue = l.queue) and q.hold is null
         and (q.priority, q.place) < (j.priority, j.place)
         and not exists (select from signalbox.running r where r.job_id = q.id and r.runs = q.runs)
       limit 1000) as first) as ahead,
    (select run_at is null or run_at <= now() from j) as due,
    exists (select from signalbox.running r join signalbox.worker h on h.id = r.worker_id, j
            where r.job_id = j.id and r.runs = j.runs and h.lease_expires_at > now()) as holder_live,
    (select count(*)::integer from signalbox.slot s, j where s.limiter = 'key:' || j.limit_key) as key_in_use,
    array(select s.job_id from signalbox.slot s, j where s.limiter = 'key:' || j.limit_key limit 10) as key_holders,
    (select json_agg(json_build_object('kind', g.kind, 'name', g.name, 'paused', g.paused_at is not null,
              'maxRunning', g.max_running, 'inUse', g.in_use, 'holders', g.holders,
              'closedUntil', case when g.opens > now() then g.opens end)) from g) as gates
  from w`;

interface FactsRow {
  able: number;
  slots: number;
  busy: number;
  without_task: number;
  without_queue: number;
  draining: number;
  ahead: number;
  due: boolean | null;
  holder_live: boolean;
  key_in_use: number;
  key_holders: string[];
  gates: (Omit<GateFacts, 'closedUntil'> & { closedUntil: string | null })[] | null;
}

export async function readWaitFacts(db: Queryable, jobId: string): Promise<WaitFacts> {
  const row = (await db.query<FactsRow>(factsSql, [jobId])).rows[0] as FactsRow;
  const { able, slots, busy, draining, ahead } = row;
  return Object.freeze({
    able,
    slots,
    busy,
    draining,
    ahead,
    due: row.due ?? false,
    withoutTask: row.without_task,
    withoutQueue: row.without_queue,
    holderLive: row.holder_live,
    keyInUse: row.key_in_use,
    keyHolders: row.key_holders,
    gates: (row.gates ?? []).map((gate) => ({
      ...gate,
      closedUntil: gate.closedUntil === null ? null : new Date(gate.closedUntil),
    })),
  });
}

export interface UnservedRow {
  readonly queue: string;
  readonly tasks: string[];
  readonly waiting: number;
  readonly oldest_ms: number;
}

// The lanes with waiting jobs that nobody serves and that nobody has paused, one by one: indexes `job_ready` and `job_due`. Grows with the backlog
// of these lanes only.
const unservedSql = `
  with dark as (
    select l.* from signalbox.lane l
    where not exists (
      select from signalbox.worker w
      where w.lease_expires_at > now() and w.status = 'running'
        and (w.queues is null or l.queue = any(w.queues)) and l.task = any(w.tasks))
      and not exists (
        select from signalbox.gate g
        where g.paused_at is not null and g.name = case g.kind when 'queue' then l.queue else l.task end)),
  waiting as (
    select d.queue, d.task, coalesce(j.run_at, j.created_at) as since
    from dark d join signalbox.job j on j.lane_id = d.id and j.hold is null
    where not exists (select from signalbox.running r where r.job_id = j.id and r.runs = j.runs)
    union all
    select d.queue, d.task, j.run_at
    from dark d join signalbox.job j on j.lane_id = d.id and j.hold in ('scheduled', 'retrying') and j.run_at <= now())
  select queue, array_agg(distinct task order by task) as tasks, count(*)::integer as waiting,
         (extract(epoch from now() - min(since)) * 1000)::float8 as oldest_ms
  from waiting group by queue order by queue`;

/** Queues with work that is due and that no live worker can do. */
export async function unservedQueues(db: Queryable): Promise<UnservedRow[]> {
  return (await db.query<UnservedRow>(unservedSql)).rows;
}

// The few claims. The leader rescues these within seconds: any that stay mean that nobody leads.
const orphanedSql = `
  select l.queue, array_agg(distinct l.task order by l.task) as tasks, count(*)::integer as waiting,
         (extract(epoch from now() - min(coalesce(w.heartbeat_at, r.claimed_at))) * 1000)::float8 as oldest_ms
  from signalbox.running r
  join signalbox.job j on j.id = r.job_id and j.runs = r.runs
  join signalbox.lane l on l.id = j.lane_id
  left join signalbox.worker w on w.id = r.worker_id
  where case when w.id is null then r.claimed_at else w.lease_expires_at end
        <= now() - $1::float8 * interval '1 millisecond'
  group by l.queue
  order by l.queue`;

/** Queues with jobs whose worker has been dead for longer than `graceMs`. */
export async function orphanedQueues(db: Queryable, graceMs: number): Promise<UnservedRow[]> {
  return (await db.query<UnservedRow>(orphanedSql, [graceMs])).rows;
}
