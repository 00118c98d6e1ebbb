/**
 * One outcome per job, of the attempt that was current, and the one that the task must come to.
 * @param {import('../history.mjs').History} history @param {import('./report.mjs').Report} report
 */
export function outcomes({ jobs, events, runs, ledger }, report) {
  let finished = 0;
  for (const job of jobs.values()) {
    const list = events.get(job.id) ?? [];
    const successes = list.filter(({ type }) => type === 'succeeded').length;
    const finals = list.filter(({ type }) => ['succeeded', 'failed', 'cancelled'].includes(type));
    if (finals.length > 0) finished += 1;
    // Nobody redrives jobs in a campaign, so a final state is entered once.
    if (finals.length > 1) report.add('duplicated', job.id, `ended ${finals.length} times`);
    if ((job.status === 'succeeded') !== (successes === 1)) {
      report.add('duplicated', job.id, `is ${job.status} with ${successes} records of success`);
    }
    if (finals.length > 0 && list[list.length - 1] !== finals[0]) {
      report.add('duplicated', job.id, `${list[list.length - 1].type} came after ${finals[0].type}`);
    }
    const cancelledAt = ledger.entries.get(job.id)?.cancelledAt;
    if (cancelledAt !== undefined && job.status !== 'cancelled') {
      report.add('uncancelled', job.id, `was confirmed as cancelled and is ${job.status}`);
    }
    if (job.status === 'succeeded') checkAuthor(job, runs.get(job.id) ?? [], report);
    checkTask(job, list, report);
  }
  report.figures.finished = finished;
}

/** The result says which call of the handler made it. */
function checkAuthor(job, runs, report) {
  const result = job.result ?? {};
  if (result.attempt !== job.attempt) {
    report.add(
      'wrong_attempt',
      job.id,
      `attempt ${job.attempt} was current and the recorded success is of attempt ${result.attempt}`,
    );
  }
  const author = runs.find(({ nonce }) => nonce === result.nonce);
  if (author === undefined) report.add('wrong_attempt', job.id, 'the recorded success is of nobody known');
  else if (author.ending !== undefined && author.ending !== 'returned' && job.task !== 'booked') {
    report.add('wrong_attempt', job.id, `the recorded success is of a handler that ${author.ending}`);
  }
}

/** How the tasks end when no crash and no cancel ends them before. */
const expected = {
  quick: 'succeeded',
  slow: 'succeeded',
  flaky: 'succeeded',
  snoozing: 'succeeded',
  stubborn: 'succeeded',
  probe: 'succeeded',
  keyed: 'succeeded',
  narrow: 'succeeded',
  gated: 'succeeded',
  single: 'succeeded',
  booked: 'succeeded',
  tick: 'succeeded',
  permanent: 'permanent_error',
  exhausted: 'attempts_exhausted',
  overdue: 'attempts_exhausted',
};

function checkTask(job, events, report) {
  if (job.status === 'cancelled') {
    if (job.cancelRequestedAt === null)
      report.add('wrong_outcome', job.id, 'is cancelled and nobody asked for it');
    return;
  }
  if (job.status === 'failed' && job.reason === 'crashed') {
    const rescues = events.filter(({ reason }) => reason === 'rescued' || reason === 'crashed').length;
    if (job.crashes < 3 || rescues < 3) {
      report.add('wrong_outcome', job.id, `was given up after ${job.crashes} crashes and ${rescues} rescues`);
    }
    return;
  }
  // `deadlines` looks at these.
  if (job.status === 'failed' && (job.reason === 'deadline' || job.reason === 'expired')) return;
  const came = job.status === 'failed' ? job.reason : job.status;
  if (!['succeeded', 'failed'].includes(job.status)) return;
  if (came !== expected[job.task]) {
    const error = job.error === null ? '' : `: ${job.error.type}: ${job.error.message}`;
    report.add('wrong_outcome', job.id, `${job.task} came to ${came} and not ${expected[job.task]}${error}`);
  }
  if (job.reason === 'attempts_exhausted' && job.failures !== job.maxAttempts) {
    report.add('wrong_outcome', job.id, `was given up after ${job.failures} of ${job.maxAttempts} failures`);
  }
}
