import type { Database } from '../../../database/database.js';
import { newId } from '../../../foundation/ids.js';
import { promoteDue } from '../../sql/claim.js';
import { requestCancel } from '../../sql/control.js';
import { pauseGate, setLimits } from '../../sql/gates.js';
import { endOverdue, enforceCancels, lead } from '../../sql/rescue.js';
import { registerWorker } from '../../sql/workers.js';
import type { ExplainReason } from '../explain.js';

const hourMs = 3_600_000;

/** A worker that exists in the database alone, is alive for an hour and has room for everything. */
export async function hire(
  db: Database,
  tasks: readonly string[],
  serves: { readonly queues?: readonly string[]; readonly concurrency?: number } = {},
): Promise<string> {
  const id = newId();
  const { queues = null, concurrency = 10_000 } = serves;
  await registerWorker(db, { id, hostname: 'hired', pid: 1, queues, tasks, concurrency, leaseMs: hourMs });
  return id;
}

export async function electLeader(db: Database): Promise<void> {
  await lead(db, 'housekeeping', newId(), hourMs);
}

/** Which cause it is: the same one, told again, has the same name. */
export function nameOf({ code, details }: ExplainReason): string {
  return 'kind' in details ? `${code} ${details.kind} ${details.name}` : code;
}

/** Those that say something of a job beside why it waits: nobody can or need remove them. */
export function isRemark({ code }: ExplainReason): boolean {
  return code === 'next' || code === 'suspect' || code === 'expires' || code === 'deadline';
}

/** Does what takes the reason away, as a person or a process would. */
export async function remove(db: Database, jobId: string, reason: ExplainReason): Promise<void> {
  const { code, details } = reason;
  switch (code) {
    case 'paused':
      return pauseGate(db, details.kind, details.name, false);
    case 'no_worker':
    case 'no_worker_for_queue':
    case 'no_worker_for_task':
    case 'workers_draining':
    case 'slots_busy':
      await hire(db, ['a', 'b', 'c']);
      return;
    case 'limit_reached':
      if (details.kind === 'key') return cancel(db, holdersSql, `key:${details.name}`);
      return setLimits(db, details.kind, details.name, { maxRunning: null });
    case 'key_line':
      return cancel(db, lineSql, jobId);
    case 'rate_limited':
      if (details.kind === 'job') return passTime(db, jobId);
      await setLimits(db, details.kind, details.name, { rate: null });
      await db.query(`update signalbox.gate set closed_until = null where kind = $1 and name = $2`, [
        details.kind,
        details.name,
      ]);
      return;
    case 'scheduled':
    case 'snoozed':
    case 'retry_wait':
      return passTime(db, jobId);
    case 'due':
      await promoteDue(db, 1_000);
      return;
    case 'no_leader':
      return electLeader(db);
    case 'cancelling':
      await enforceCancels(db, 0);
      return;
    case 'too_late':
      await endOverdue(db, 0);
      return;
    default:
      throw new Error(`nothing takes "${code}" away from a job that waits`);
  }
}

async function passTime(db: Database, jobId: string): Promise<void> {
  await db.query(`update signalbox.job set run_at = now() where id = $1`, [jobId]);
}

const holdersSql = `select job_id as id from signalbox.slot where limiter = $1`;
const lineSql = `
  select o.id from signalbox.job j
  join signalbox.job o on o.limit_key = j.limit_key and o.hold = 'limited' and (o.priority, o.place) < (j.priority, j.place)
  where j.id = $1`;

/** Cancels jobs, and ends those that run without asking their workers. */
async function cancel(db: Database, sql: string, value: string): Promise<void> {
  for (const { id } of (await db.query<{ id: string }>(sql, [value])).rows) await requestCancel(db, id);
  await enforceCancels(db, 0);
}
