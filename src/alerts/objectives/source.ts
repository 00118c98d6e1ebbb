import { type AlertSource, alertSource } from '../source.js';
import type { ObjectiveReading, Objectives } from './objectives.js';
import { objectiveRules } from './rules.js';

/** Burn rates move by the minute: to read days of history for each evaluation would be work for nothing. */
const freshMs = 25_000;

/** @param keepMs how long a reading is used again, milliseconds */
export function objectiveAlerts(objectives: Objectives, keepMs: number = freshMs): AlertSource {
  let last: { readonly at: number; readonly reading: ObjectiveReading } | undefined;
  return alertSource(objectiveRules, async () => {
    if (last === undefined || performance.now() - last.at >= keepMs) {
      const at = performance.now();
      last = { at, reading: await objectives.read() };
    }
    return last.reading;
  });
}
