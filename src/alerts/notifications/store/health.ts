import { many, type Queryable } from '../../../database/queryable.js';

/** How one channel does. Ages by the database's clock. */
export interface ChannelHealth {
  readonly channel: string;
  readonly lastSuccessAt: Date | null;
  readonly lastFailureAt: Date | null;
  readonly failuresInARow: number;
  readonly lastError: string | null;
  /** Entries that are due and not delivered; what a silence keeps back is not among them. */
  readonly undelivered: number;
  /** Age of the oldest of them since it was due; `null` when there is none. */
  readonly oldestUndeliveredMs: number | null;
  readonly held: number;
  /** Attempts of the last ten minutes, tests left out. */
  readonly delivered: number;
  readonly failed: number;
}

/** `unused`: nothing was ever sent to it. `failing`: the last attempt failed. */
export const channelStates = ['unused', 'working', 'failing'] as const;

export function channelState(health: ChannelHealth): (typeof channelStates)[number] {
  if (health.failuresInARow > 0) return 'failing';
  return health.lastSuccessAt === null && health.lastFailureAt === null ? 'unused' : 'working';
}

// Primary key; `notification_outbox_open` and `notification_delivery_channel` for each of the few channels.
const healthSql = `
  select n.name as channel, c.last_success_at as "lastSuccessAt", c.last_failure_at as "lastFailureAt",
    coalesce(c.failures, 0) as "failuresInARow", c.last_error as "lastError",
    o.undelivered, o.oldest as "oldestUndeliveredMs", o.held, d.delivered, d.failed
  from unnest($1::text[]) as n (name)
  left join signalbox.notification_channel c on c.channel = n.name
  cross join lateral (
    select count(*) filter (where due_at <= now())::integer as undelivered,
      (extract(epoch from now() - min(due_at) filter (where due_at <= now())) * 1000)::double precision as oldest,
      count(*) filter (where held_by is not null and due_at > now())::integer as held
    from signalbox.notification_outbox
    where channel = n.name and outcome is null) o
  cross join lateral (
    select count(*) filter (where outcome = 'delivered')::integer as delivered,
      count(*) filter (where outcome in ('retry', 'rejected', 'unknown'))::integer as failed
    from signalbox.notification_delivery
    where channel = n.name and at > now() - interval '10 minutes' and sender <> 'test') d
  order by n.name`;

export async function readHealth(db: Queryable, channels: readonly string[]): Promise<ChannelHealth[]> {
  return (await many<ChannelHealth>(db, healthSql, [channels])).map((row) => Object.freeze(row));
}
