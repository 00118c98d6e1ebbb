import { accepted } from './accepted.mjs';
import { attempts } from './attempts.mjs';
import { bookings } from './bookings.mjs';
import { deadlines } from './deadlines.mjs';
import { keys } from './keys.mjs';
import { limits } from './limits.mjs';
import { outcomes } from './outcomes.mjs';
import { Report } from './report.mjs';
import { rescues } from './rescues.mjs';
import { schedule } from './schedule.mjs';

/** Every proof over a finished campaign. */
const invariants = [accepted, outcomes, attempts, rescues, limits, keys, deadlines, bookings, schedule];

/** @param {import('../history.mjs').History} history */
export function judge(history) {
  const report = new Report();
  for (const invariant of invariants) invariant(history, report);
  return report;
}
