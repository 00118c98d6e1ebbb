import { newId } from '../foundation/ids.js';
import type { Alert, AlertMoves } from './alert.js';
import type { Observation, RuleTraits } from './rule.js';

/** What one evaluation saw of one rule. */
export interface Sighting {
  readonly rule: RuleTraits;
  /** `null`: it could not be judged. */
  readonly observations: readonly Observation[] | null;
}

/**
 * Moves alerts on by what was seen of their rules. Pure: the same input gives the same moves, whoever evaluates and
 * whenever it did before.
 *
 * An alert of a rule that is not among the sightings, because the code has it no more, ends.
 * @param open every alert that is pending or firing
 */
export function advance(open: readonly Alert[], sightings: readonly Sighting[], now: Date): AlertMoves {
  const before = new Map(open.map((alert) => [keyOf(alert.rule, alert.labels), alert]));
  const kept: Alert[] = [];
  const forgotten: Alert[] = [];
  const edges: Alert[] = [];
  const unknown = new Set<string>();
  for (const { rule, observations } of sightings) {
    if (observations === null) unknown.add(rule.name);
    for (const observation of observations ?? []) {
      const key = keyOf(rule.name, observation.labels);
      const alert = before.get(key);
      const next = see(alert, rule, observation, now);
      before.delete(key);
      kept.push(next);
      if (next.state === 'firing' && alert?.state !== 'firing') edges.push(next);
    }
  }
  for (const alert of before.values()) {
    if (unknown.has(alert.rule)) continue;
    if (alert.state === 'pending') {
      forgotten.push(alert);
      continue;
    }
    const resolved: Alert = Object.freeze({ ...alert, state: 'resolved', resolvedAt: now });
    kept.push(resolved);
    edges.push(resolved);
  }
  return Object.freeze({ kept, forgotten, edges });
}

/** The same for the same labels, in whatever order they are given. */
export function keyOf(rule: string, labels: Readonly<Record<string, string>>): string {
  return JSON.stringify([rule, Object.entries(labels).sort(([a], [b]) => (a < b ? -1 : 1))]);
}

function see(alert: Alert | undefined, rule: RuleTraits, observation: Observation, now: Date): Alert {
  const since = alert?.since ?? now;
  const firedAt = alert?.firedAt ?? (now.getTime() - since.getTime() >= rule.forMs ? now : null);
  return Object.freeze({
    id: alert?.id ?? newId(),
    rule: rule.name,
    labels: observation.labels,
    severity: rule.severity,
    state: firedAt === null ? 'pending' : 'firing',
    value: observation.value,
    summary: observation.summary,
    remedy: observation.remedy ?? rule.remedy,
    page: rule.page,
    since,
    seenAt: now,
    firedAt,
    resolvedAt: null,
    acknowledgedAt: alert?.acknowledgedAt ?? null,
    acknowledgedBy: alert?.acknowledgedBy ?? null,
  });
}
