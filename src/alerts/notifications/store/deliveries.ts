import { many, type Queryable } from '../../../database/queryable.js';
import { newId } from '../../../foundation/ids.js';

/** `job`: a job of the engine. `escape`: past the engine. `test`: the test button. `policy`: nothing was sent. */
export type SenderKind = 'job' | 'escape' | 'test' | 'policy';
/** `unknown`: its sender died before it could say. `held`, `silenced`, `expired`: it was not sent, and why. */
export type DeliveryOutcome =
  | 'delivered'
  | 'retry'
  | 'rejected'
  | 'unknown'
  | 'held'
  | 'silenced'
  | 'expired';

/** One line of the delivery log. */
export interface Delivery {
  readonly id: string;
  readonly channel: string;
  readonly at: Date;
  readonly sender: SenderKind;
  readonly outcome: DeliveryOutcome;
  readonly title: string;
  readonly alertIds: readonly string[];
  readonly messageKey: string | null;
  readonly ms: number | null;
  readonly error: string | null;
  /** What the receiver answered, at most 500 characters. */
  readonly reply: string | null;
  readonly nextTryAt: Date | null;
}

const insertSql = `
  insert into signalbox.notification_delivery
    (id, channel, at, sender, outcome, title, alert_ids, message_key, ms, error, reply, next_try_at)
  values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12)`;

export async function insertDelivery(db: Queryable, delivery: Omit<Delivery, 'id'>): Promise<void> {
  const { channel, at, sender, outcome, title, alertIds, messageKey, ms, error, reply, nextTryAt } = delivery;
  await db.query(insertSql, [
    ...[newId(), channel, at, sender, outcome, title, alertIds],
    ...[messageKey, ms, error, reply, nextTryAt],
  ]);
}

// By primary key, newest first; the log is pruned, so what another channel has is read over.
const listSql = `
  select id, channel, at, sender, outcome, title, alert_ids as "alertIds", message_key as "messageKey", ms, error,
    reply, next_try_at as "nextTryAt"
  from signalbox.notification_delivery
  where ($1::text is null or channel = $1) and ($2::uuid is null or $2 = any(alert_ids))
    and ($3::uuid is null or id < $3)
  order by id desc limit $4`;

/** The newest first; `before` is the id of the last one of the page before. */
export async function listDeliveries(
  db: Queryable,
  filter: {
    readonly channel?: string | undefined;
    readonly alertId?: string | undefined;
    readonly before?: string | undefined;
    readonly limit: number;
  },
): Promise<Delivery[]> {
  const { channel = null, alertId = null, before = null, limit } = filter;
  const rows = await many<Delivery>(db, listSql, [channel, alertId, before, limit]);
  return rows.map((row) => Object.freeze(row));
}
