import type { Queryable } from '../../database/queryable.js';

/** A task in a queue: the line in which its jobs wait. */
export interface Lane {
  readonly id: number;
  readonly queue: string;
  readonly task: string;
}

// Waits for another process that makes the same lane at this moment; never changes a row that is there.
const insertSql = `
  insert into signalbox.lane (queue, task) select * from unnest($1::text[], $2::text[]) as n(queue, task)
  order by n.queue, n.task on conflict (queue, task) do nothing`;
const readSql = `
  select l.id, l.queue, l.task from signalbox.lane l
  join unnest($1::text[], $2::text[]) as n(queue, task) on n.queue = l.queue and n.task = l.task`;

/** Makes the lanes that are missing. */
export async function ensureLanes(
  db: Queryable,
  wanted: readonly { readonly queue: string; readonly task: string }[],
): Promise<Lane[]> {
  const values = [wanted.map(({ queue }) => queue), wanted.map(({ task }) => task)];
  await db.query(insertSql, values);
  return (await db.query<{ id: number; queue: string; task: string }>(readSql, values)).rows;
}

const byIdSql = `select id, queue, task from signalbox.lane where id = any($1)`;

export async function readLanes(db: Queryable, ids: readonly number[]): Promise<Lane[]> {
  return (await db.query<{ id: number; queue: string; task: string }>(byIdSql, [ids])).rows;
}

// Primary keys of `job` and `finished`: few jobs, of which something is to be told.
const ofJobsSql = `
  select j.id, l.queue, l.task, j.failed
  from (select id, lane_id, false as failed from signalbox.job where id = any($1::uuid[])
        union all
        select id, lane_id, status = 'failed' as failed from signalbox.finished where id = any($1::uuid[])) as j
  join signalbox.lane l on l.id = j.lane_id`;

export interface JobLane {
  readonly id: string;
  readonly queue: string;
  readonly task: string;
  /** Whether it has ended so. */
  readonly failed: boolean;
}

/** The lanes of these jobs; one that was removed meanwhile is left out. */
export async function lanesOfJobs(db: Queryable, ids: readonly string[]): Promise<JobLane[]> {
  return (await db.query<JobLane>(ofJobsSql, [ids])).rows;
}
