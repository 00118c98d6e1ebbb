import type { Queryable } from '../../database/queryable.js';
import { StuckWork } from '../../engine/findings/findings.js';
import { type AlertSource, alertSource } from '../source.js';
import { readWorkFacts } from './facts.js';
import { workRules } from './rules.js';

/** What can be wrong with work, whatever the work is. It remembers from one look to the next: make one a process. */
export function workAlerts(db: Queryable): AlertSource {
  const stuckWork = new StuckWork(db);
  return alertSource(workRules, () => readWorkFacts(db, stuckWork));
}
