import { accepted } from './accepted.mjs';
import { attempts } from './attempts.mjs';
import { outcomes } from './outcomes.mjs';
import { Report } from './report.mjs';
import { rescues } from './rescues.mjs';

/** Every proof over a finished campaign. Limits and cron slots get a file each beside these. */
const invariants = [accepted, outcomes, attempts, rescues];

/** @param {import('../history.mjs').History} history */
export function judge(history) {
  const report = new Report();
  for (const invariant of invariants) invariant(history, report);
  return report;
}
