import type { Queryable } from '../../database/queryable.js';
import { type AlertSource, alertSource } from '../source.js';
import { readWorkFacts } from './facts.js';
import { workRules } from './rules.js';

/** What can be wrong with work, whatever the work is. */
export function workAlerts(db: Queryable): AlertSource {
  return alertSource(workRules, () => readWorkFacts(db));
}
