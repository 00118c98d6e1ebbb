import type { Queryable } from '../../database/queryable.js';
import { type AlertSource, alertSource } from '../source.js';
import { readTraffic } from './facts.js';
import { trafficRules } from './rules.js';

/** What went wrong lately, jobs and requests. */
export function trafficAlerts(db: Queryable): AlertSource {
  return alertSource(trafficRules, () => readTraffic(db));
}
