import { z } from 'zod';
import type { ChannelReport } from '../../alerts/notifications/notifications.js';
import type { Receipt } from '../../alerts/notifications/notifier.js';
import type { Delivery } from '../../alerts/notifications/store/deliveries.js';
import { channelState, channelStates } from '../../alerts/notifications/store/health.js';
import { severities } from '../../alerts/rule.js';
import { pageQuery } from '../../http/pagination.js';
import { count, measuredAt, milliseconds } from '../measured.js';

const time = z.iso.datetime();

export const channelParams = z.strictObject({
  name: z
    .string()
    .max(100)
    .regex(/^[a-z0-9_-]+$/),
});
export const deliveryQuery = z.strictObject(pageQuery);

/** What a channel needs to get there, address and key, is in no answer. */
export const channelSchema = z
  .object({
    name: z.string(),
    kind: z.enum(['webhook', 'slack', 'email', 'pagerduty']),
    min_severity: z.enum(severities).describe('Alerts below it are not sent there'),
    state: z
      .enum(channelStates)
      .describe('`unused`: nothing was ever sent there; `failing`: the last attempt failed'),
    last_success_at: time.nullable(),
    last_failure_at: time.nullable(),
    failures_in_a_row: count,
    last_error: z.string().nullable(),
    undelivered: count.describe('Entries that are due and not delivered'),
    oldest_undelivered_ms: milliseconds.nullable().describe('`null`: there is none'),
    held: count.describe('Entries that a silence keeps back'),
    delivered: count.describe('Attempts of the last ten minutes, tests left out'),
    failed: count.describe('Attempts of the last ten minutes, tests left out'),
  })
  .meta({ id: 'NotificationChannel' });

export const channelsSchema = z.object({ measured_at: measuredAt, items: z.array(channelSchema) });

export const deliverySchema = z
  .object({
    id: z.string(),
    channel: z.string(),
    at: time,
    sender: z
      .enum(['job', 'escape', 'test', 'policy'])
      .describe('`escape`: past the engine; `policy`: nothing was sent, and `error` says why'),
    outcome: z.enum(['delivered', 'retry', 'rejected', 'unknown', 'held', 'silenced', 'expired']),
    title: z.string(),
    alert_ids: z.array(z.string()),
    message_key: z.string().nullable(),
    ms: z.int().nullable().describe('How long the attempt took'),
    error: z.string().nullable(),
    reply: z.string().nullable().describe('The beginning of what the receiver answered'),
    next_try_at: time.nullable(),
  })
  .meta({ id: 'NotificationDelivery' });

export const testSchema = z
  .object({
    channel: z.string(),
    outcome: z
      .enum(['delivered', 'retry', 'rejected'])
      .describe('`retry`: it may be taken later; `rejected`: never as things are'),
    ms: milliseconds,
    error: z.string().nullable().describe('What is wrong; `null` when it was taken'),
    reply: z.string().nullable().describe('The beginning of what the receiver answered'),
  })
  .meta({ id: 'NotificationTest' });

export function channelJson(report: ChannelReport): z.output<typeof channelSchema> {
  const { name, kind, undelivered, held, delivered, failed } = report;
  return {
    name,
    kind,
    min_severity: report.minSeverity,
    state: channelState(report),
    last_success_at: report.lastSuccessAt?.toISOString() ?? null,
    last_failure_at: report.lastFailureAt?.toISOString() ?? null,
    failures_in_a_row: report.failuresInARow,
    last_error: report.lastError,
    undelivered,
    oldest_undelivered_ms: report.oldestUndeliveredMs,
    held,
    delivered,
    failed,
  };
}

export function deliveryJson(delivery: Delivery): z.output<typeof deliverySchema> {
  const { id, channel, at, sender, outcome, title, ms, error, reply } = delivery;
  return {
    id,
    channel,
    at: at.toISOString(),
    sender,
    outcome,
    title,
    alert_ids: [...delivery.alertIds],
    message_key: delivery.messageKey,
    ms,
    error,
    reply,
    next_try_at: delivery.nextTryAt?.toISOString() ?? null,
  };
}

export function testJson(
  channel: string,
  receipt: Receipt & { readonly ms: number },
): z.output<typeof testSchema> {
  const { outcome, ms, reply } = receipt;
  const error = receipt.outcome === 'delivered' ? null : receipt.error;
  return { channel, outcome, ms: Math.round(ms), error, reply: reply === '' ? null : reply };
}
