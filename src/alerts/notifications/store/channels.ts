import { many, one, type Queryable } from '../../../database/queryable.js';

/** The database's clock, which alone decides what is due. To the millisecond. */
export async function databaseNow(db: Queryable): Promise<Date> {
  const row = await one<{ now: Date }>(db, 'select now() as now', []);
  return (row as { now: Date }).now;
}

export interface LockedChannel {
  readonly failures: number;
  /** Of a sender that never recorded what became of its message. */
  readonly lost: string | null;
}

// One row by its primary key, skipped while somebody else has it; held until the transaction ends.
const lockSendableSql = `
  select failures, claim as lost from signalbox.notification_channel
  where channel = $1 and coalesce(claimed_until, $2) <= $2 and coalesce(not_before, $2) <= $2
    and coalesce(throttled_until, $2) <= $2
  for update skip locked`;

/** @returns `undefined` when somebody sends to it now, or it must be left alone for a while */
export async function lockSendable(
  tx: Queryable,
  channel: string,
  now: Date,
): Promise<LockedChannel | undefined> {
  return one<LockedChannel>(tx, lockSendableSql, [channel, now]);
}

// One row by its primary key, locked by this transaction.
const claimSql = `update signalbox.notification_channel set claim = $2, claimed_until = $3 where channel = $1`;

/** `claim` null gives it back. */
export async function saveClaim(
  tx: Queryable,
  channel: string,
  claim: string | null,
  until: Date | null,
): Promise<void> {
  await tx.query(claimSql, [channel, claim, until]);
}

// One row by its primary key. Waits for an edge that is being recorded.
const endClaimSql = `
  update signalbox.notification_channel
  set claim = null, claimed_until = null, job_id = null
  where channel = $1 and claim = $2
  returning failures`;

/** @returns failures in a row until now; `undefined` when the claim was lost and is somebody else's message now */
export async function endClaim(tx: Queryable, channel: string, claim: string): Promise<number | undefined> {
  return (await one<{ failures: number }>(tx, endClaimSql, [channel, claim]))?.failures;
}

// One row by its primary key, locked by this transaction.
const saveSuccessSql = `
  update signalbox.notification_channel
  set failures = 0, last_success_at = $2, not_before = $3, throttled_until = null, last_error = null
  where channel = $1`;

export async function saveSuccess(tx: Queryable, channel: string, now: Date, notBefore: Date): Promise<void> {
  await tx.query(saveSuccessSql, [channel, now, notBefore]);
}

// One row by its primary key, locked by this transaction.
const saveFailureSql = `
  update signalbox.notification_channel
  set failures = failures + 1, last_failure_at = $2, last_error = $3, not_before = $4, throttled_until = $5
  where channel = $1`;

export async function saveFailure(
  tx: Queryable,
  channel: string,
  failure: {
    readonly now: Date;
    readonly error: string;
    readonly notBefore: Date;
    readonly throttledUntil: Date | null;
  },
): Promise<void> {
  const { now, error, notBefore, throttledUntil } = failure;
  await tx.query(saveFailureSql, [channel, now, error, notBefore, throttledUntil]);
}

// Reads and locks the few channels, in the order of their names. Held until the transaction ends.
const lockAllSql = `select channel from signalbox.notification_channel order by channel for update`;

/** For who changes entries of several channels: waits for those who compose a message, and they for it. */
export async function lockAllChannels(tx: Queryable): Promise<void> {
  await tx.query(lockAllSql, []);
}

export interface ReadyChannel {
  readonly channel: string;
  /** Since when nothing but a sender has been missing. */
  readonly since: Date;
  readonly job_id: string | null;
}

// The few channels by primary key; for each the oldest entry of `notification_outbox_open`, and the subjects of
// `notification_subject_remind` and `notification_subject_flapping` whose time has come.
const readySql = `
  select c.channel, c.job_id,
    greatest(d.due, c.not_before, c.throttled_until, c.claimed_until) as since
  from signalbox.notification_channel c
  cross join lateral (
    select least(
      (select min(o.due_at) from signalbox.notification_outbox o
        where o.channel = c.channel and o.outcome is null),
      (select min(s.remind_at) from signalbox.notification_subject s
        where s.channel = c.channel and s.remind_at is not null),
      (select min(f.edge_at) + make_interval(secs => $3) from signalbox.notification_subject f
        where f.channel = c.channel and f.flapping_since is not null)) as due) d
  where c.channel = any($1) and d.due <= $2
    and coalesce(c.claimed_until, $2) <= $2 and coalesce(c.not_before, $2) <= $2
    and coalesce(c.throttled_until, $2) <= $2
  order by c.channel`;

/** The channels to which something is to be sent now. */
export async function readyChannels(
  db: Queryable,
  names: readonly string[],
  now: Date,
  stableMs: number,
): Promise<ReadyChannel[]> {
  return many<ReadyChannel>(db, readySql, [names, now, stableMs / 1_000]);
}

// One row by its primary key.
const saveJobSql = `update signalbox.notification_channel set job_id = $2 where channel = $1`;

export async function saveJob(db: Queryable, channel: string, jobId: string | null): Promise<void> {
  await db.query(saveJobSql, [channel, jobId]);
}
