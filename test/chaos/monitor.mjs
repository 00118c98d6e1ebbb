import { disturbedMs } from './disturbances.mjs';

/**
 * Looks again and again, while things break, whether a job belongs to a worker without a valid lease for longer
 * than a rescue takes. What was rescued too late leaves traces in the events; what is never rescued does not.
 */
export class Monitor {
  /** @type {{ kind: string, job: string, message: string }[]} */
  violations = [];
  #options;
  /** Since when, by job and attempt. @type {Map<string, number>} */
  #orphans = new Map();
  #reported = new Set();

  /**
   * @param {object} options
   * @param {import('signalbox').Engine} options.engine
   * @param {import('./disturbances.mjs').Disturbances} options.disturbances
   * @param {import('./profile.mjs').Profile} options.profile
   */
  constructor(options) {
    this.#options = options;
  }

  async look() {
    const { engine, disturbances, profile } = this.#options;
    // Workers second: one that registers in between must not make its first job look like an orphan.
    const held = await engine.jobs.list({ statuses: ['processing'], limit: 1_000 });
    const live = new Set((await engine.workers()).filter((worker) => worker.live).map(({ id }) => id));
    const now = Date.now();
    const orphans = new Map();
    for (const { id, attempt, workerId, task } of held) {
      if (workerId !== null && live.has(workerId)) continue;
      const key = `${id} ${attempt}`;
      const since = this.#orphans.get(key) ?? now;
      orphans.set(key, since);
      const excused = disturbedMs(
        disturbances.faults,
        since,
        now,
        ({ from, to }) => Math.min(2 * (to - from), now - from) + 6 * profile.housekeepingMs,
      );
      if (now - since - excused <= profile.promisedRescueMs - profile.leaseMs || this.#reported.has(key))
        continue;
      this.#reported.add(key);
      const message = `attempt ${attempt} (${task}) has belonged to the dead worker ${workerId} for ${now - since} ms, ${Math.round(excused)} ms of it excused`;
      this.violations.push({ kind: 'owned_by_the_dead', job: id, message });
    }
    this.#orphans = orphans;
  }
}
