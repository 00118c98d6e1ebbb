/**
 * The time in which an attempt had the right to run and ran, by the database's clock.
 * @typedef {object} Span
 * @property {string} jobId
 * @property {number} attempt
 * @property {string} process
 * @property {number} claimed
 * @property {number} start
 * @property {number} end
 */

/** Events that do not end an attempt. */
export const within = new Set(['progress', 'cancel_requested']);

/** What ended an attempt, in the engine's own words. @param {import('../history.mjs').Event[]} events @param {number} attempt */
export function endOf(events, attempt) {
  const claim = events.findIndex((event) => event.type === 'processing' && event.attempt === attempt);
  if (claim === -1) return undefined;
  return events.slice(claim + 1).find(({ type }) => !within.has(type));
}

/** @param {import('../history.mjs').History} history @returns {Span[]} */
export function spansOf({ jobs, events, runs }) {
  const spans = [];
  for (const [jobId, list] of runs) {
    const all = events.get(jobId);
    if (all === undefined || !jobs.has(jobId)) continue;
    for (const { attempt, process, startedAt, endedAt } of list) {
      const claim = all.find((event) => event.type === 'processing' && event.attempt === attempt);
      // `unclaimed` says so.
      if (claim === undefined || startedAt === undefined) continue;
      const taken = endOf(all, attempt)?.at ?? Number.POSITIVE_INFINITY;
      const end = Math.min(endedAt ?? Number.POSITIVE_INFINITY, taken);
      // Frozen between its claim and its beginning: it had lost the right before it ran.
      if (end <= startedAt) continue;
      spans.push({ jobId, attempt, process, claimed: claim.at, start: startedAt, end });
    }
  }
  return spans;
}
