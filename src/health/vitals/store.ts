import { many, type Queryable } from '../../database/queryable.js';
import type { ProcessIdentity, ProcessRecord, Vitals } from './vitals.js';

// By primary key, each process its own row.
const saveSql = `
  insert into signalbox.process_vitals
    (id, roles, hostname, pid, started_at, seen_at, stopping_at, rss_bytes, memory_limit_bytes, cpu_share,
     loop_lag_p99_ms, database_ping_ms, redis_up, redis_ping_ms, pool_size, pool_in_use, pool_waiting, http_samples,
     http_p95_ms)
  values ($1, $2, $3, $4, clock_timestamp() - $5 * interval '1 second', clock_timestamp(),
          case when $6 then clock_timestamp() end, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18)
  on conflict (id) do update
  set seen_at = excluded.seen_at, stopping_at = coalesce(process_vitals.stopping_at, excluded.stopping_at),
      rss_bytes = excluded.rss_bytes, memory_limit_bytes = excluded.memory_limit_bytes,
      cpu_share = excluded.cpu_share, loop_lag_p99_ms = excluded.loop_lag_p99_ms,
      database_ping_ms = excluded.database_ping_ms, redis_up = excluded.redis_up,
      redis_ping_ms = excluded.redis_ping_ms, pool_size = excluded.pool_size, pool_in_use = excluded.pool_in_use,
      pool_waiting = excluded.pool_waiting, http_samples = excluded.http_samples, http_p95_ms = excluded.http_p95_ms`;

export interface VitalsEntry extends ProcessIdentity, Vitals {
  readonly uptimeSeconds: number;
  readonly stopping: boolean;
}

/** Says that the process is there, and how it fares. */
export async function saveVitals(db: Queryable, entry: VitalsEntry): Promise<void> {
  await db.query(saveSql, [
    ...[entry.id, entry.roles, entry.hostname, entry.pid, entry.uptimeSeconds, entry.stopping],
    ...[entry.rssBytes, entry.memoryLimitBytes, entry.cpuShare, entry.loopLagP99Ms, entry.databasePingMs],
    ...[entry.redisUp, entry.redisPingMs, entry.poolSize, entry.poolInUse, entry.poolWaiting],
    ...[entry.httpSamples, entry.httpP95Ms],
  ]);
}

// By primary key.
const endSql = `
  update signalbox.process_vitals
  set ended_at = clock_timestamp(), stopping_at = coalesce(stopping_at, clock_timestamp()) where id = $1`;

/** It has stopped in order. */
export async function endVitals(db: Queryable, id: string): Promise<void> {
  await db.query(endSql, [id]);
}

// The table has a row for each start of the last days: it is read whole.
const runningSql = `
  select id, roles, hostname, pid, started_at as "startedAt", seen_at as "seenAt", stopping_at as "stoppingAt",
         greatest(extract(epoch from clock_timestamp() - seen_at) * 1000, 0)::float8 as "ageMs",
         rss_bytes::float8 as "rssBytes", memory_limit_bytes::float8 as "memoryLimitBytes", cpu_share as "cpuShare",
         loop_lag_p99_ms as "loopLagP99Ms", database_ping_ms as "databasePingMs", redis_up as "redisUp",
         redis_ping_ms as "redisPingMs", pool_size as "poolSize", pool_in_use as "poolInUse",
         pool_waiting as "poolWaiting", http_samples as "httpSamples", http_p95_ms as "httpP95Ms"
  from signalbox.process_vitals
  where ended_at is null and seen_at > now() - $1 * interval '1 millisecond'
  order by started_at, id`;

/** Processes that have not ended in order and were seen within that time, the oldest first. */
export async function runningProcesses(db: Queryable, withinMs: number): Promise<ProcessRecord[]> {
  return (await many<ProcessRecord>(db, runningSql, [withinMs])).map((row) => Object.freeze(row));
}

// The whole table, see above.
const pruneSql = `
  delete from signalbox.process_vitals where id in (
    select id from signalbox.process_vitals
    where greatest(seen_at, ended_at) < now() - $1 * interval '1 millisecond' limit 1000)`;

/** Removes what ended or was last seen that long ago, at most 1,000 of them. @returns how many went */
export async function pruneVitals(db: Queryable, keepMs: number): Promise<number> {
  return (await db.query(pruneSql, [keepMs])).rowCount ?? 0;
}
