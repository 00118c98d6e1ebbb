import type { Queryable } from '../../database/queryable.js';
import type { Canary, CanaryEnd } from '../canary/canary.js';

// The few rows of canaries, locked while it lasts; their jobs by primary key.
const collectSql = `
  select queue, answered, latency_ms as "latencyMs" from signalbox.collect_canaries($1)`;

/** Notes what came of canaries that have ended, and removes their jobs. */
export async function collectCanaries(db: Queryable, task: string): Promise<CanaryEnd[]> {
  return (await db.query<CanaryEnd>(collectSql, [task])).rows;
}

// Lanes, workers, gates and canaries: a few rows each. What is on its way is looked up by primary keys.
const dueSql = `
  select distinct l.queue from signalbox.lane l
  where l.task <> $1
    and exists (select from signalbox.worker w
                where w.status = 'running' and w.lease_expires_at > now() and $1 = any(w.tasks)
                  and (w.queues is null or l.queue = any(w.queues)))
    and not exists (select from signalbox.gate g
                    where g.kind = 'queue' and g.name = l.queue and g.paused_at is not null)
    and not exists (select from signalbox.canary c where c.queue = l.queue
                    and (c.sent_at > now() - $2::float8 * interval '1 millisecond'
                         or c.job_id is not null
                            and (exists (select from signalbox.job j where j.id = c.job_id)
                                 or exists (select from signalbox.finished f where f.id = c.job_id))))
  order by l.queue limit 100`;

/** Queues that have a worker for a canary, are not paused, and whose last canary is over and long enough ago. */
export async function queuesWithoutCanary(db: Queryable, task: string, everyMs: number): Promise<string[]> {
  return (await db.query<{ queue: string }>(dueSql, [task, everyMs])).rows.map(({ queue }) => queue);
}

// One row by its primary key, waiting for whoever sends one at this moment.
const markSql = `
  insert into signalbox.canary as c (queue, job_id, sent_at, every_ms) values ($1, $2, now(), $3)
  on conflict (queue) do update set job_id = excluded.job_id, sent_at = excluded.sent_at, every_ms = excluded.every_ms
  where c.sent_at <= now() - $3::float8 * interval '1 millisecond'
  returning c.sent_at`;

/** @returns when the canary is sent; `undefined` when another process has sent one meanwhile */
export async function markSent(
  tx: Queryable,
  queue: string,
  jobId: string,
  everyMs: number,
): Promise<Date | undefined> {
  return (await tx.query<{ sent_at: Date }>(markSql, [queue, jobId, everyMs])).rows[0]?.sent_at;
}

const listSql = `
  select queue, sent_at as "sentAt", job_id is not null as pending, answered_at as "answeredAt",
         latency_ms as "latencyMs", unanswered, unanswered_since as "unansweredSince"
  from signalbox.canary order by queue`;

export async function listCanaries(db: Queryable): Promise<Canary[]> {
  return (await db.query<Canary>(listSql)).rows;
}

// A few rows. Canaries that nobody sends any more, as when they are switched off, say nothing; neither do those of
// a queue that is paused or has no worker for them, which other findings tell.
const silentSql = `
  select c.queue, coalesce(c.unanswered_since, c.sent_at) as since from signalbox.canary c
  where c.sent_at > now() - (3 * c.every_ms + 60000) * interval '1 millisecond'
    and (c.unanswered > 0 or c.job_id is not null)
    and coalesce(c.unanswered_since, c.sent_at) <= now() - $2::float8 * interval '1 millisecond'
    and exists (select from signalbox.worker w
                where w.status = 'running' and w.lease_expires_at > now() and $1 = any(w.tasks)
                  and w.started_at <= coalesce(c.unanswered_since, c.sent_at)
                  and (w.queues is null or c.queue = any(w.queues)))
    and not exists (select from signalbox.gate g
                    where g.kind = 'queue' and g.name = c.queue and g.paused_at is not null)
  order by c.queue`;

/** Queues whose canary has waited for longer than `graceMs` for a worker that is there. */
export async function silentCanaries(
  db: Queryable,
  task: string,
  graceMs: number,
): Promise<{ queue: string; since: Date }[]> {
  return (await db.query<{ queue: string; since: Date }>(silentSql, [task, graceMs])).rows;
}
