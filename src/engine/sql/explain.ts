import type { Queryable } from '../../database/queryable.js';
import { canaryTaskName } from '../canary/canary.js';
import type { JobStatus } from '../job.js';

/** Beyond so many jobs nobody counts how many come before one. */
export const maxAhead = 1_000;

/** What the database knows, at one moment, that decides where a job is that has not ended. */
export interface WaitFacts {
  readonly now: Date;
  /** Of the job at that moment, to tell whether what was read of it before still holds. */
  readonly status: JobStatus;
  readonly attempt: number;
  /** Whether the time to start has come. */
  readonly due: boolean;
  readonly workers: WorkerFacts;
  readonly ahead: AheadFacts;
  /** Of the last attempts in its queue, and in all that the workers serve who could run it. */
  readonly durations: { readonly queue: DurationFacts; readonly served: DurationFacts };
  /** What its queue and its task let through; those that restrict nothing are left out. */
  readonly gates: readonly GateFacts[];
  readonly key: KeyFacts;
  /** Who runs it; `null`: nobody. */
  readonly holder: HolderFacts | null;
  /** Whether some process does the housekeeping, or did a moment ago: the next one follows within seconds. */
  readonly led: boolean;
}

export interface WorkerFacts {
  /** Live workers that take jobs from this queue and know this task, their slots, and those without a job. */
  readonly able: number;
  readonly slots: number;
  readonly free: number;
  /** Live workers of this queue that do not know the task. */
  readonly withoutTask: number;
  /** Live workers that know the task but do not serve the queue. */
  readonly withoutQueue: number;
  /** Workers that know both but are about to stop. */
  readonly draining: number;
  /** When the last one that could run it was heard from that lives no more; `null`: none is remembered. */
  readonly lastSeenAt: Date | null;
}

/** How many jobs are claimed before it; counted up to `maxAhead`. */
export interface AheadFacts {
  readonly queue: number;
  /** In all that the workers serve who could run it. */
  readonly served: number;
  /** Of those that wait for a slot of its key. */
  readonly key: number;
}

export interface DurationFacts {
  readonly samples: number;
  /** `null` without samples. */
  readonly meanMs: number | null;
}

export interface GateFacts {
  readonly kind: 'queue' | 'task';
  readonly name: string;
  readonly pausedAt: Date | null;
  /** `null`: no limit. */
  readonly maxRunning: number | null;
  readonly inUse: number;
  /** At most ten of those that use it. */
  readonly holders: readonly string[];
  readonly rate: { readonly count: number; readonly periodMs: number; readonly tokens: number } | null;
  /** Not before this time, by a rate or because an upstream asked for it; `null`: now. */
  readonly closedUntil: Date | null;
  readonly ahead: number;
}

export interface KeyFacts {
  readonly inUse: number;
  /** At most ten of those that use it. */
  readonly holders: readonly string[];
  /** Whether it was put aside to wait for a slot of its key. */
  readonly aside: boolean;
  /** Whether the next claim looks at those that wait for its key. */
  readonly freed: boolean;
}

export interface HolderFacts {
  readonly workerId: string;
  /** `null`: its row is gone. */
  readonly hostname: string | null;
  readonly pid: number | null;
  readonly live: boolean;
  readonly leaseUntil: Date | null;
  /** `null`: its row is gone. */
  readonly slots: number | null;
  readonly claimedAt: Date;
  /** Jobs that it claimed before this one and has not ended. */
  readonly before: number;
}

// The job and its lane by their keys, a handful of worker rows and gates, the claims for the load; `slot_pkey` for
// limits. What is ahead and how long jobs take is asked through functions that pin their plans and are bounded.
const factsSql = `
  with j as (select * from signalbox.job where id = $1),
  l as (select l.* from signalbox.lane l join j on j.lane_id = l.id),
  r as (select r.* from signalbox.running r join j on r.job_id = j.id and r.runs = j.runs),
  w as (
    select w.*, w.lease_expires_at > now() as live, w.queues is null or l.queue = any(w.queues) as serves,
           l.task = any(w.tasks) as knows, coalesce(o.running, 0) as running
    from signalbox.worker w cross join l left join signalbox.worker_load() o on o.worker_id = w.id),
  able as (select * from w where live and serves and knows and status = 'running'),
  lanes as (
    select array(select o.id from signalbox.lane o where o.queue = l.queue) as queue,
           array(select o.id from signalbox.lane o where o.task = l.task) as task,
           array(select o.id from signalbox.lane o where exists (select from able a
             where (a.queues is null or o.queue = any(a.queues)) and o.task = any(a.tasks)
               and o.task <> '${canaryTaskName}')) as served
    from l),
  first as (
    select signalbox.ahead_of(lanes.queue, j.priority, j.place, $2) as queue,
           signalbox.ahead_of(lanes.served, j.priority, j.place, $2) as served
    from j, lanes),
  g as (
    select g.*, signalbox.opens_at(g, now()) as opens, signalbox.tokens(g, now()) as tokens_left,
           (select count(*) from signalbox.slot s where s.limiter = g.kind || ':' || g.name) as in_use,
           array(select s.job_id from signalbox.slot s where s.limiter = g.kind || ':' || g.name limit 10) as holders,
           case when g.kind = 'queue' then first.queue
                when g.max_running is not null or g.rate_count is not null
                then signalbox.ahead_of(lanes.task, j.priority, j.place, $2) else 0 end as ahead
    from signalbox.gate g, j, l, lanes, first
    where (g.kind = 'queue' and g.name = l.queue) or (g.kind = 'task' and g.name = l.task))
  select
    now() as now,
    case when r.job_id is not null then 'processing'
         when j.hold in ('scheduled', 'retrying', 'blocked') then j.hold else 'queued' end as status,
    j.runs + (r.job_id is not null)::integer as attempt,
    coalesce(j.run_at <= now(), true) as due,
    (select json_build_object(
       'able', (select count(*) from able), 'slots', (select coalesce(sum(concurrency), 0) from able),
       'free', (select coalesce(sum(greatest(concurrency - running, 0)), 0) from able),
       'withoutTask', count(*) filter (where live and serves and not knows),
       'withoutQueue', count(*) filter (where live and knows and not serves),
       'draining', count(*) filter (where live and serves and knows and status = 'draining'),
       'lastSeenAt', max(heartbeat_at) filter (where serves and knows and not live)) from w) as workers,
    json_build_object('queue', first.queue, 'served', first.served, 'key', case when j.limit_key is null then 0
      else signalbox.ahead_in_key(j.limit_key, j.priority, j.place, $2) end) as ahead,
    (select json_build_object('samples', d.samples, 'meanMs', d.mean_ms)
     from signalbox.recent_durations(lanes.queue) as d) as queue_durations,
    (select json_build_object('samples', d.samples, 'meanMs', d.mean_ms)
     from signalbox.recent_durations(lanes.served) as d) as served_durations,
    (select coalesce(json_agg(json_build_object('kind', g.kind, 'name', g.name, 'pausedAt', g.paused_at,
       'maxRunning', g.max_running, 'inUse', g.in_use, 'holders', g.holders, 'rate', case when g.rate_count is not null
         then json_build_object('count', g.rate_count, 'periodMs', g.rate_period_ms, 'tokens', g.tokens_left) end,
       'closedUntil', case when g.opens > now() then g.opens end, 'ahead', g.ahead) order by g.kind), '[]')
     from g) as gates,
    json_build_object(
      'inUse', (select count(*) from signalbox.slot s where s.limiter = 'key:' || j.limit_key),
      'holders', array(select s.job_id from signalbox.slot s where s.limiter = 'key:' || j.limit_key limit 10),
      'aside', coalesce(j.hold = 'limited', false),
      'freed', exists (select from signalbox.freed f where j.limit_key = any(f.keys))) as key,
    case when r.job_id is not null then json_build_object(
      'workerId', r.worker_id, 'hostname', h.hostname, 'pid', h.pid,
      'live', coalesce(h.lease_expires_at > now(), false), 'leaseUntil', h.lease_expires_at, 'slots', h.concurrency,
      'claimedAt', r.claimed_at, 'before', signalbox.claimed_before(j.id)) end as holder,
    exists (select from signalbox.leader where name = 'housekeeping'
            and lease_expires_at > now() - interval '5 seconds') as led
  from j cross join l cross join lanes cross join first left join r on true
  left join signalbox.worker h on h.id = r.worker_id`;

type Text<T> = {
  [K in keyof T]: T[K] extends Date ? string : T[K] extends Date | null ? string | null : T[K];
};

interface FactsRow extends Pick<WaitFacts, 'now' | 'status' | 'attempt' | 'due' | 'ahead' | 'key' | 'led'> {
  readonly workers: Text<WorkerFacts>;
  readonly queue_durations: DurationFacts;
  readonly served_durations: DurationFacts;
  readonly gates: readonly Text<GateFacts>[];
  readonly holder: Text<HolderFacts> | null;
}

/** @returns `undefined` when the job has ended by now */
export async function readWaitFacts(db: Queryable, jobId: string): Promise<WaitFacts | undefined> {
  const row = (await db.query<FactsRow>(factsSql, [jobId, maxAhead])).rows[0];
  if (row === undefined) return undefined;
  const { queue_durations: queue, served_durations: served, workers, gates, holder, ...facts } = row;
  return Object.freeze({
    ...facts,
    workers: { ...workers, lastSeenAt: dateOf(workers.lastSeenAt) },
    durations: { queue, served },
    gates: gates.map((gate) => ({
      ...gate,
      pausedAt: dateOf(gate.pausedAt),
      closedUntil: dateOf(gate.closedUntil),
    })),
    holder: holder && {
      ...holder,
      leaseUntil: dateOf(holder.leaseUntil),
      claimedAt: new Date(holder.claimedAt),
    },
  });
}

function dateOf(text: string | null): Date | null {
  return text === null ? null : new Date(text);
}
