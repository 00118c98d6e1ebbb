import { disturbedMs } from '../disturbances.mjs';
import { within } from './spans.mjs';

const ends = /^(kill|kill_several|kill_quietly)$/;
/** The process lives on, but its lease cannot. A blocked event loop is none: the lease has a thread of its own. */
const silences = /^stop$/;

/**
 * Jobs of the dead are in the queue again in time, and nobody's job is taken while he lives.
 *
 * Counted from the kill until the job is in the queue; when it starts then is a matter of the backlog, and a figure of
 * its own. After the lease has run out the clock stands still while the database is away for all, and while whoever
 * leads at that moment is hit as well: another must be elected. `kill_quietly` has nothing in its way.
 * @param {import('../history.mjs').History} history @param {import('./report.mjs').Report} report
 */
export function rescues(history, report) {
  const { disturbances, profile, jobs, events, runs, reigns } = history;
  const { faults } = disturbances;
  const measures = [];
  const byProcess = groupByProcess(runs);
  for (const fault of faults) {
    if (fault.process === undefined) continue;
    const fatal = ends.test(fault.kind);
    if (!fatal && !(silences.test(fault.kind) && fault.to - fault.from > profile.leaseMs * 1.1)) continue;
    const others = faults.filter((other) => other !== fault && isInTheWay(other, reigns));
    for (const { job, run, next, left } of heldAt(fault, byProcess, history)) {
      if (left === undefined) continue; // `unfinished` says so
      const waited = left.at - fault.from;
      const excused = disturbedMs(others, fault.from + profile.leaseMs, left.at, reachOf(profile));
      if (waited - excused > profile.promisedRescueMs) {
        report.add(
          'late_rescue',
          job.id,
          `attempt ${run.attempt} died with ${fault.process} (${fault.kind}) and was taken from it ${waited} ms later, ${excused} ms of it excused`,
        );
      }
      if (left.reason === 'rescued' && fatal) {
        measures.push({ waited, started: next === undefined ? 0 : next.start - left.at, excused });
      }
    }
  }
  let rescued = 0;
  for (const job of jobs.values()) {
    for (const event of events.get(job.id) ?? []) {
      if (event.reason !== 'rescued' && event.reason !== 'crashed') continue;
      rescued += 1;
      checkJustified(job, event, runs.get(job.id) ?? [], history, report);
    }
  }
  report.figures.rescued = rescued;
  report.figures.max_rescue_ms = highest(measures.map(({ waited }) => waited));
  report.figures.max_start_after_rescue_ms = highest(measures.map(({ started }) => started));
  report.figures.max_undisturbed_rescue_ms = highest(
    measures.filter(({ excused }) => excused === 0).map(({ waited }) => waited),
  );
}

/** What the process held when the fault came: it was started there and nothing had become of it. */
function* heldAt(fault, byProcess, { jobs, events, runs }) {
  for (const run of byProcess.get(fault.process) ?? []) {
    const job = jobs.get(run.jobId);
    if (job === undefined || run.start > fault.from) continue;
    const all = events.get(run.jobId) ?? [];
    const claim = all.findIndex(({ type, attempt }) => type === 'processing' && attempt === run.attempt);
    if (claim === -1) continue;
    const left = all.slice(claim + 1).find(({ type }) => !within.has(type));
    if (left !== undefined && left.at < fault.from) continue;
    yield { job, run, left, next: runs.get(run.jobId)?.find(({ attempt }) => attempt > run.attempt) };
  }
}

/** It hit everybody, or whoever led while it lasted. */
function isInTheWay({ process, from, to }, reigns) {
  if (process === undefined) return true;
  return reigns.some(
    (reign, n) =>
      reign.process === process && reign.at <= to && (reigns[n + 1]?.at ?? Number.POSITIVE_INFINITY) >= from,
  );
}

function groupByProcess(runs) {
  const groups = new Map();
  for (const list of runs.values()) {
    for (const run of list) {
      const group = groups.get(run.process) ?? [];
      group.push(run);
      groups.set(run.process, group);
    }
  }
  return groups;
}

/** How long after its beginning a fault may keep others from their rescue. */
function reachOf(profile) {
  return ({ kind, process, from, to }) => {
    // Nobody could ask the database, then every loop waits about as long again.
    if (process === undefined) return 2 * (to - from) + 3 * profile.housekeepingMs;
    if (kind === 'join' || kind.includes('enqueuer')) return 0;
    // The leader's lease is four turns.
    return 6 * profile.housekeepingMs;
  };
}

function checkJustified(job, event, runs, { disturbances, profile }, report) {
  const run = runs.find(({ attempt }) => attempt === event.attempt);
  if (run === undefined) return;
  const reach = 2 * profile.leaseMs + profile.promisedRescueMs;
  const hit = disturbances.any(
    ({ kind, process }) => (process === run.process && kind !== 'block') || process === undefined,
    event.at - reach,
    event.at,
  );
  if (hit) return;
  report.add(
    'rescued_alive',
    job.id,
    `attempt ${run.attempt} was taken from ${run.process}, which nothing had hit`,
  );
}

function highest(values) {
  return values.length === 0 ? null : Math.max(...values);
}
