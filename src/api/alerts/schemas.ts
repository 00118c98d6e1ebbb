import { z } from 'zod';
import type { Alert } from '../../alerts/alert.js';
import { type RuleTraits, severities } from '../../alerts/rule.js';
import type { EvaluationNote } from '../../alerts/store.js';

const time = z.iso.datetime();

export const alertParams = z.strictObject({ id: z.uuid() });

export const alertSchema = z
  .object({
    id: z.string(),
    rule: z.string(),
    labels: z.record(z.string(), z.string()),
    severity: z.enum(severities),
    state: z.enum(['pending', 'firing', 'resolved']),
    value: z.number().nullable(),
    summary: z.string(),
    remedy: z.string(),
    page: z.string().nullable().describe('Page of the console that shows it'),
    since: time.describe('The condition was first seen'),
    seen_at: time.describe('An evaluation last saw it'),
    fired_at: time.nullable(),
    resolved_at: time.nullable(),
    acknowledged_at: time.nullable(),
    acknowledged_by: z.string().nullable(),
  })
  .meta({ id: 'Alert' });

/** With every list: an empty one says something only when somebody has looked. */
export const evaluationShape = {
  evaluated_at: z.iso
    .datetime()
    .nullable()
    .describe('When the rules were last judged; `null`: never, so an empty list says nothing'),
  age_ms: z.number().nullable(),
};

export const ruleSchema = z
  .object({
    name: z.string(),
    severity: z.enum(severities),
    for_ms: z.int().describe('How long its condition must hold before it fires'),
    help: z.string(),
    state: z
      .enum(['inactive', 'pending', 'firing', 'unknown'])
      .describe('`unknown`: it could not be judged the last time'),
  })
  .meta({ id: 'AlertRule' });

export function alertJson(alert: Alert): z.output<typeof alertSchema> {
  const { id, rule, labels, severity, state, value, summary, remedy, page } = alert;
  return {
    id,
    rule,
    labels: { ...labels },
    severity,
    state,
    value,
    summary,
    remedy,
    page,
    since: alert.since.toISOString(),
    seen_at: alert.seenAt.toISOString(),
    fired_at: alert.firedAt?.toISOString() ?? null,
    resolved_at: alert.resolvedAt?.toISOString() ?? null,
    acknowledged_at: alert.acknowledgedAt?.toISOString() ?? null,
    acknowledged_by: alert.acknowledgedBy,
  };
}

export function ruleJson(
  { name, severity, forMs, help }: RuleTraits,
  open: readonly Alert[],
  unknown: readonly string[],
): z.output<typeof ruleSchema> {
  const states = open.filter(({ rule }) => rule === name).map(({ state }) => state);
  const known = states.includes('firing') ? 'firing' : states.includes('pending') ? 'pending' : 'inactive';
  return { name, severity, for_ms: forMs, help, state: unknown.includes(name) ? 'unknown' : known };
}

export function noteJson(note: EvaluationNote | undefined) {
  return { evaluated_at: note?.evaluatedAt.toISOString() ?? null, age_ms: note?.ageMs ?? null };
}
