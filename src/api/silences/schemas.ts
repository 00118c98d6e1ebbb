import { z } from 'zod';
import { quietUntil } from '../../alerts/notifications/policy/quiet.js';
import type { NewSilence } from '../../alerts/notifications/silences.js';
import type { Silence } from '../../alerts/notifications/store/silences.js';
import { pageQuery } from '../../http/pagination.js';
import { timeInput } from '../time-input.js';

const time = z.iso.datetime();
const kind = z
  .enum(['silence', 'maintenance'])
  .describe('A maintenance window may mean every alert, and may repeat');

export const silenceParams = z.strictObject({ id: z.uuid() });

export const silenceListQuery = z.strictObject({
  ...pageQuery,
  past: z.enum(['true', 'false']).default('false').describe('Those that are over too'),
});

export const newSilenceBody = z
  .strictObject({
    kind: kind.default('silence'),
    rule: z.string().min(1).max(200).optional().describe('Only alerts of this rule'),
    labels: z
      .record(z.string(), z.string().max(1_000))
      .optional()
      .describe('Only alerts with all these labels, at most 20. A silence needs a rule or a label'),
    starts_at: timeInput.optional().describe('Default: now'),
    ends_at: timeInput.optional().describe('Required unless it repeats'),
    every: z
      .strictObject({
        cron: z.string().min(1).max(200).describe('When it begins, each time'),
        time_zone: z.string().min(1).max(100).default('UTC').describe('Of the IANA database'),
        duration_ms: z.int().min(60_000).max(604_800_000).describe('How long from each time on'),
      })
      .optional()
      .describe('Maintenance windows only'),
    reason: z.string().min(1).max(1_000).describe('Why'),
  })
  .meta({ id: 'NewSilence' });

export const silenceSchema = z
  .object({
    id: z.string(),
    kind,
    rule: z.string().nullable(),
    labels: z.record(z.string(), z.string()),
    starts_at: time,
    ends_at: time.nullable().describe('`null`: it repeats until somebody ends it'),
    every: z.object({ cron: z.string(), time_zone: z.string(), duration_ms: z.int() }).nullable(),
    quiet_until: time
      .nullable()
      .describe('Until when it keeps notifications back; `null`: it does not at this moment'),
    reason: z.string(),
    created_by: z.string(),
    created_at: time,
  })
  .meta({ id: 'Silence' });

export function wishFrom(body: z.output<typeof newSilenceBody>, by: string): NewSilence {
  const { rule, labels = {}, starts_at: startsAt, ends_at: endsAt, every, reason } = body;
  return {
    kind: body.kind,
    rule,
    labels,
    startsAt: startsAt === undefined ? undefined : new Date(startsAt),
    endsAt: endsAt === undefined ? undefined : new Date(endsAt),
    every: every && { cron: every.cron, timeZone: every.time_zone, durationMs: every.duration_ms },
    reason,
    by,
  };
}

export function silenceJson(silence: Silence, now: Date): z.output<typeof silenceSchema> {
  const { id, rule, labels, every, reason } = silence;
  return {
    id,
    kind: silence.kind,
    rule,
    labels: { ...labels },
    starts_at: silence.startsAt.toISOString(),
    ends_at: silence.endsAt?.toISOString() ?? null,
    every: every && { cron: every.cron, time_zone: every.timeZone, duration_ms: every.durationMs },
    quiet_until: quietUntil(silence, now)?.toISOString() ?? null,
    reason,
    created_by: silence.createdBy,
    created_at: silence.createdAt.toISOString(),
  };
}
