import { isFinal } from './states.mjs';

/**
 * Accepted = finished once; taken back = never there; together = all or none.
 * @param {import('../history.mjs').History} history @param {import('./report.mjs').Report} report
 */
export function accepted({ ledger, jobs, runs, notes, twice }, report) {
  for (const id of twice) report.add('duplicated', id, 'is unfinished and has ended');
  for (const { kind, id, other } of ledger.repeated) {
    const what =
      kind === 'made_twice' ? 'was made once more' : `was answered with job ${other} instead of its own`;
    report.add('not_idempotent', id, `an enqueue that was repeated with the id of the first ${what}`);
  }
  const groups = new Map();
  for (const entry of ledger.entries.values()) {
    const job = jobs.get(entry.id);
    if (entry.answer === 'accepted' && job === undefined) {
      report.add('lost', entry.id, `was acknowledged (${entry.kind}, ${entry.task}) and is not there`);
    }
    if (entry.answer === 'undone' || entry.kind === 'rollback') {
      if (job !== undefined) report.add('ghost', entry.id, 'was rolled back and is there');
      if (runs.has(entry.id)) report.add('ghost', entry.id, 'was rolled back and ran');
    }
    if (entry.kind === 'commit' && (job !== undefined) !== notes.has(entry.id)) {
      report.add('torn', entry.id, 'the job and the row of the same transaction do not go together');
    }
    if (entry.answer === 'refused' && job !== undefined) {
      report.add('ghost', entry.id, `was refused because ${entry.holder} had its key, and is there`);
    }
    const group = groups.get(entry.group) ?? { present: 0, size: 0, id: entry.id };
    group.size += 1;
    if (job !== undefined) group.present += 1;
    groups.set(entry.group, group);
  }
  for (const { present, size, id } of groups.values()) {
    if (present !== 0 && present !== size) {
      report.add('torn', id, `${present} of ${size} jobs that were enqueued together are there`);
    }
  }
  for (const job of jobs.values()) {
    // Jobs of the schedule were asked for by nobody: `schedule` has them.
    if (job.task !== 'tick' && !ledger.entries.has(job.id))
      report.add('ghost', job.id, 'nobody ever asked for this job');
    if (!isFinal(job.status)) report.add('unfinished', job.id, `is still ${job.status} (${job.task})`);
  }
}
