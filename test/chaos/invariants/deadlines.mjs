import { disturbedMs } from '../disturbances.mjs';

/** How long a job may outlast its deadline: the grace of the enforced end, and a turn or two of housekeeping. */
const graceMs = 33_000;

/**
 * Nothing is claimed after its deadline, nor for the first time after its expiry; what is too late is failed for that
 * reason, in time, and nothing is failed for it before.
 * @param {import('../history.mjs').History} history @param {import('./report.mjs').Report} report
 */
export function deadlines({ jobs, events, disturbances, profile }, report) {
  for (const job of jobs.values()) {
    const deadline = job.deadlineAt?.getTime();
    const expiry = job.expiresAt?.getTime();
    const ended = job.finishedAt?.getTime();
    const claims = (events.get(job.id) ?? []).filter(({ type }) => type === 'processing');
    const late = claims.find(({ at }) => deadline !== undefined && at > deadline);
    if (late !== undefined) {
      report.add(
        'after_deadline',
        job.id,
        `attempt ${late.attempt} was claimed ${late.at - deadline} ms after it`,
      );
    }
    if (expiry !== undefined && claims.length > 0 && claims[0].at > expiry) {
      report.add('after_deadline', job.id, `was first claimed ${claims[0].at - expiry} ms after its expiry`);
    }
    if (job.reason === 'deadline' && !(deadline !== undefined && ended !== undefined && ended >= deadline)) {
      report.add(
        'wrong_outcome',
        job.id,
        'was failed for a deadline that it does not have or that had not come',
      );
    }
    // A job may have been claimed ahead of time and given back: what counts is that no attempt began.
    if (job.reason === 'expired' && !(expiry !== undefined && ended >= expiry && job.startedAt === null)) {
      report.add('wrong_outcome', job.id, 'is expired although it had begun, or was not to expire yet');
    }
    const due = Math.min(
      deadline ?? Number.POSITIVE_INFINITY,
      claims.length === 0 ? (expiry ?? Number.POSITIVE_INFINITY) : Number.POSITIVE_INFINITY,
    );
    if (ended === undefined || ended <= due + graceMs) continue;
    const reach = ({ from, to }) => 2 * (to - from) + 6 * profile.housekeepingMs;
    const excused = disturbedMs(disturbances.faults, due, ended, reach);
    if (ended - due - excused <= graceMs) continue;
    report.add(
      'late_deadline',
      job.id,
      `ended ${ended - due} ms after its deadline, ${Math.round(excused)} ms of it excused`,
    );
  }
}
