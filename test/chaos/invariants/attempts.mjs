/**
 * Attempts are claimed in order, each runs once, and two run at once only when the earlier one's process could
 * not run a timer: then it could neither keep its lease nor stop its handler.
 * @param {import('../history.mjs').History} history @param {import('./report.mjs').Report} report
 */
export function attempts({ jobs, events, runs, ledger, disturbances, profile }, report) {
  for (const job of jobs.values()) {
    const list = events.get(job.id) ?? [];
    checkSequence(job, list, report);
    checkClaims(job, list, report);
    checkRuns(job, runs.get(job.id) ?? [], list, disturbances, report);
    // The end of a booked job has the time at which its handler began the transaction.
    if (job.task !== 'booked') checkOutcomes(job, runs.get(job.id) ?? [], list, report);
    const runAt = ledger.entries.get(job.id)?.runAt;
    for (const run of runs.get(job.id) ?? []) {
      if (runAt !== undefined && run.start < runAt) {
        report.add('early', job.id, `attempt ${run.attempt} began ${runAt - run.start} ms before its time`);
      }
    }
    for (const [earlier, later] of overlaps(runs.get(job.id) ?? [], disturbances)) {
      const deaf = disturbances.any(
        // A handler that waits in `complete` for a database which does not answer hears no signal either; what it sent
        // is fenced.
        (fault) => fault.process === earlier.process && (fault.deaf || job.task === 'booked'),
        later.start - 2 * profile.leaseMs,
        later.start,
      );
      if (deaf) continue;
      report.add(
        'overlap',
        job.id,
        `attempt ${later.attempt} began in ${later.process} at ${iso(later.start)} while attempt ${earlier.attempt} ran in ${earlier.process} until ${earlier.end === undefined ? 'an unknown time' : iso(earlier.end)}`,
      );
    }
  }
}

function checkSequence(job, list, report) {
  const gap = list.findIndex(({ seq }, n) => seq !== n + 1);
  if (gap !== -1)
    report.add('event_gap', job.id, `event ${gap + 1} of ${list.length} has number ${list[gap].seq}`);
  if (list.length === 0) report.add('event_gap', job.id, 'has no events');
}

function checkClaims(job, list, report) {
  let last = 0;
  for (const { type, attempt, seq } of list) {
    if (type !== 'processing') continue;
    if (attempt !== last + 1) {
      report.add(
        'attempts_not_monotonic',
        job.id,
        `event ${seq} claims attempt ${attempt} after attempt ${last}`,
      );
    }
    last = attempt;
  }
  if (job.attempt !== last) {
    report.add(
      'attempts_not_monotonic',
      job.id,
      `has attempt ${job.attempt} and was last claimed as ${last}`,
    );
  }
}

function checkRuns(job, runs, list, disturbances, report) {
  const claimed = new Set(list.filter(({ type }) => type === 'processing').map(({ attempt }) => attempt));
  const seen = new Map();
  for (const run of runs) {
    const { attempt, process } = run;
    const before = seen.get(attempt);
    if (before !== undefined && !wasUndone(job, before, disturbances))
      report.add('attempts_not_monotonic', job.id, `attempt ${attempt} ran twice, last in ${process}`);
    if (!claimed.has(attempt))
      report.add('unclaimed', job.id, `attempt ${attempt} ran in ${process} and was never claimed`);
    seen.set(attempt, run);
  }
}

/**
 * A claim is not waited for until it is on the disk. One that a crash of the server undid is made again under the
 * same number; only one that was made a moment before the crash, and never one whose job uses a limit.
 */
function wasUndone(job, { start, startedAt }, disturbances) {
  if (job.limitKey !== null || job.task === 'narrow' || job.task === 'gated') return false;
  return disturbances.any(
    ({ kind, from }) => kind === 'restart_postgres' && startedAt >= from,
    start - 3_000,
    start + 1_000,
  );
}

/** States that only the handler's own end can bring about. */
const ownOutcomes = new Set(['succeeded', 'failed', 'retrying', 'scheduled']);
/** Ends that nobody's handler brings about, and that name the last attempt there was. */
const byTheHouse = new Set(['crashed', 'deadline', 'expired']);
/** Two clocks of one machine, read by different programs. */
const clockMs = 20;

/** The outcome of an attempt is never recorded before its handler has ended. */
function checkOutcomes(job, runs, list, report) {
  for (const { type, attempt, at, reason } of list) {
    if (attempt === 0 || !ownOutcomes.has(type) || byTheHouse.has(reason)) continue;
    const run = runs.find((candidate) => candidate.attempt === attempt);
    if (run?.end === undefined || at >= run.end - clockMs) continue;
    report.add(
      'wrong_attempt',
      job.id,
      `${type} was recorded for attempt ${attempt} ${run.end - at} ms before its handler ended in ${run.process}`,
    );
  }
}

/** Pairs of runs of which the later attempt began before the earlier one's end. */
function overlaps(runs, disturbances) {
  const pairs = [];
  for (const earlier of runs) {
    const died = deathOf(earlier.process, disturbances);
    const end = Math.min(earlier.end ?? Number.POSITIVE_INFINITY, died ?? Number.POSITIVE_INFINITY);
    for (const later of runs) {
      if (later.attempt > earlier.attempt && later.start < end) pairs.push([earlier, later]);
    }
  }
  return pairs;
}

function deathOf(process, disturbances) {
  return disturbances.faults.find((fault) => fault.process === process && fault.kind.startsWith('kill'))
    ?.from;
}

function iso(time) {
  return new Date(time).toISOString();
}
