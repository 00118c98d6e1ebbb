import { type AlertSource, alertSource } from '../source.js';
import { databaseDown } from './rule.js';

/** Finds nothing ever: it is for the list of the rules, see `databaseDown`. */
export function outageAlerts(): AlertSource {
  return alertSource([databaseDown], async () => undefined);
}
