/**
 * Bugs that the self-test plants, by rewriting statements on their way to the database: the product has no
 * switch for them. `match` knows the statement by a piece of its text. When the product's SQL changes so that
 * nothing matches any more, the self-test says so instead of passing.
 *
 * @typedef {object} Plant
 * @property {string} what
 * @property {readonly string[]} shows Kinds of violation of which at least one must be reported.
 * @property {'worker' | 'enqueuer'} where
 * @property {number} [faultsMs]
 * @property {Partial<import('../profile.mjs').Profile>} [profile] What brings it out soon.
 * @property {(text: string) => string | undefined} [rewrite] The statement with the bug; `undefined`: not this one.
 * @property {(text: string) => boolean} [drop] The statement is not sent, and answered with no rows.
 * @property {boolean} [deaf] Neither notification nor poll tells that there is work.
 * @property {boolean} [forgetsCommit] Transactions are undone and called committed.
 */

/** @type {Readonly<Record<string, Plant>>} */
export const plants = Object.freeze({
  no_fence: {
    what: 'an outcome is recorded without asking whose attempt it is',
    shows: ['wrong_attempt', 'duplicated'],
    where: 'worker',
    faultsMs: 18_000,
    // Outcomes that come late, to jobs that somebody else runs already and for a while.
    profile: {
      deck: { delay_packets: 1 },
      delayWays: ['up'],
      delayOutlasts: 1,
      enqueuerShare: 0,
      gapMs: [600, 1_000],
      workers: [9, 9],
      routes: ['proxy'],
      operationsPerSecond: 10,
      // Failures are recorded one by one, successes many together.
      tasks: { quick: 1, permanent: 2 },
      quickMs: [1_200, 3_000],
    },
    // The second is the one for many outcomes in one statement.
    rewrite: (text) =>
      replaced(text, 'attempt = $2 and worker_id = $3', '$2::integer is not null and $3::uuid is not null') ??
      replaced(text, 'and j.attempt = d.attempt and j.worker_id = d.worker_id', ''),
  },
  no_rescue: {
    what: 'nobody takes the jobs of dead workers',
    shows: ['late_rescue', 'owned_by_the_dead', 'unfinished'],
    where: 'worker',
    drop: (text) => text.includes('crashes = ') && text.includes("'rescued'"),
  },
  lost_wake_up: {
    what: 'an idle worker hears of no new job',
    shows: ['slept', 'unfinished'],
    where: 'worker',
    deaf: true,
  },
  attempt_not_counted: {
    what: 'a claim does not count the attempt',
    shows: ['attempts_not_monotonic'],
    where: 'worker',
    rewrite: (text) => replaced(text, 'attempt = j.attempt + 1', 'attempt = greatest(j.attempt, 1)'),
  },
  double_claim: {
    what: 'two workers claim one job, because the claim locks nothing',
    shows: ['overlap'],
    where: 'worker',
    rewrite: (text) =>
      text.includes('attempt = j.attempt') ? replaced(text, 'for update skip locked', '') : undefined,
  },
  early_rescue: {
    what: 'jobs are taken from workers whose lease still holds',
    shows: ['rescued_alive', 'overlap'],
    where: 'worker',
    rewrite: (text) =>
      text.includes("'rescued'")
        ? replaced(
            text,
            'lease_expires_at <= now()',
            "lease_expires_at <= now() + interval '1700 milliseconds'",
          )
        : undefined,
  },
  forgotten_commit: {
    what: 'an enqueue is acknowledged that was never committed',
    shows: ['lost'],
    where: 'enqueuer',
    forgetsCommit: true,
  },
});

function replaced(text, from, to) {
  return text.includes(from) ? text.replace(from, to) : undefined;
}

class Forgotten extends Error {}

/**
 * The database object with the planted bug in it, and the worker's options that belong to it.
 * @param {typeof import('signalbox').Database} Database
 * @param {string | undefined} name of the plant
 * @param {() => void} onStruck called when the bug had its first effect
 */
export function sabotaged(Database, name, onStruck) {
  const plant = name === undefined ? undefined : plants[name];
  if (plant === undefined) return { DatabaseClass: Database, workerOptions: {} };
  let struck = false;
  const strike = () => {
    if (!struck) onStruck();
    struck = true;
  };

  class SabotagedDatabase extends Database {
    get directOptions() {
      const options = super.directOptions;
      if (!plant.deaf) return options;
      strike();
      const elsewhere = new URL(options.url);
      elsewhere.pathname = '/postgres';
      return { ...options, url: elsewhere.toString() };
    }

    async query(text, values) {
      if (plant.drop?.(text)) {
        strike();
        return { rows: [], rowCount: 0 };
      }
      const changed = plant.rewrite?.(text);
      if (changed !== undefined) strike();
      return super.query(changed ?? text, values);
    }

    async transaction(work) {
      if (!plant.forgetsCommit) return super.transaction(work);
      let result;
      try {
        return await super.transaction(async (tx) => {
          result = await work(tx);
          throw new Forgotten();
        });
      } catch (error) {
        if (!(error instanceof Forgotten)) throw error;
        strike();
        return result;
      }
    }
  }
  return { DatabaseClass: SabotagedDatabase, workerOptions: plant.deaf ? { pollMs: 3_600_000 } : {} };
}
