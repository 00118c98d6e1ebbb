import type { Queryable } from '../../database/queryable.js';
import { type AlertSource, alertSource } from '../source.js';
import { readProcessFacts } from './facts.js';
import { vitalsRules } from './rules.js';

/** How the processes fare, and what they depend on. */
export function vitalsAlerts(db: Queryable): AlertSource {
  return alertSource(vitalsRules, () => readProcessFacts(db));
}
