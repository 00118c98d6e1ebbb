/**
 * Bugs that the self-test plants: in a function of the database, in a statement on its way there, or in the object that
 * sends it. The product has no switch for them. When its SQL changes so that nothing is left to be changed, the
 * self-test says so instead of passing.
 *
 * @typedef {object} Plant
 * @property {string} what
 * @property {readonly string[]} shows Kinds of violation of which at least one must be reported.
 * @property {'worker' | 'enqueuer'} where
 * @property {number} [faultsMs]
 * @property {Partial<import('../profile.mjs').Profile>} [profile] What brings it out soon.
 * @property {Readonly<Record<string, readonly (readonly [from: string, to: string])[]>>} [functions] What is replaced in
 *   which function of the database; each must be there.
 * @property {readonly string[]} [statements] Run before anything begins.
 * @property {(text: string) => string | undefined} [rewrite] The statement with the bug; `undefined`: not this one.
 * @property {boolean} [deaf] Neither notification nor poll tells that there is work.
 * @property {boolean} [forgetsCommit] Transactions are undone and called committed.
 */

/** @type {Readonly<Record<string, Plant>>} */
export const plants = Object.freeze({
  no_fence: {
    what: 'an outcome is recorded without asking whose attempt it is',
    shows: ['wrong_attempt', 'duplicated', 'unclaimed'],
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
      tasks: { quick: 1, permanent: 2 },
      quickMs: [1_200, 3_000],
    },
    functions: { finish: [['j.runs = d.run - 1 and v_at[d.source] is not null', 'true']] },
  },
  no_rescue: {
    what: 'nobody takes the jobs of dead workers',
    shows: ['late_rescue', 'owned_by_the_dead', 'unfinished'],
    where: 'worker',
    functions: { rescue: [['begin\n', 'begin\n  return;\n']] },
  },
  lost_wake_up: {
    what: 'an idle worker hears of no new job',
    shows: ['slept', 'unfinished'],
    where: 'worker',
    deaf: true,
  },
  lost_key_wake_up: {
    what: 'nobody looks for the next job of a key whose slot was given back',
    shows: ['slept', 'unfinished'],
    where: 'worker',
    functions: { heal_limits: [['if v_keys is not null then', 'if false then']] },
    statements: [
      'create function chaos.forget() returns trigger language plpgsql as $$ begin return null; end $$',
      'create trigger forget before insert on signalbox.freed for each row execute function chaos.forget()',
    ],
    profile: { tasks: { quick: 3, keyed: 2 } },
  },
  limit_off_by_one: {
    what: 'one more than allowed runs at once',
    shows: ['limit_exceeded'],
    where: 'worker',
    profile: { tasks: { quick: 2, keyed: 3, narrow: 2 } },
    functions: {
      claim: [
        ['c.nth <= c.max', 'c.nth <= c.max + 1'],
        ['c.nth > c.max', 'c.nth > c.max + 1'],
      ],
      room: [['g.max_running - ', 'g.max_running + 1 - ']],
    },
  },
  double_cron: {
    what: 'a slot may be decided twice, and a turn begins one slot too early',
    shows: ['slot_doubled'],
    where: 'worker',
    statements: ['alter table signalbox.schedule_firing drop constraint schedule_firing_pkey'],
    rewrite: (text) =>
      replaced(text, 'on conflict (schedule, slot, kind) do nothing', '') ??
      replaced(text, 'set next_slot = $2,', "set next_slot = $2::timestamptz - interval '1 second',"),
  },
  attempt_not_counted: {
    what: 'a rescue does not count the attempt',
    shows: ['attempts_not_monotonic'],
    where: 'worker',
    functions: { rescue: [['set runs = j.runs + 1, crashes', 'set crashes']] },
  },
  double_claim: {
    what: 'two workers claim one job, because a claim does not look at the others',
    shows: ['attempts_not_monotonic', 'overlap'],
    where: 'worker',
    functions: { claim: [['and (j.id, j.runs) not in (select b.job_id, b.runs from busy b)', '']] },
  },
  early_rescue: {
    what: 'jobs are taken from workers whose lease still holds',
    shows: ['rescued_alive', 'overlap'],
    where: 'worker',
    functions: {
      rescue: [
        ['w.lease_expires_at <= now()', "w.lease_expires_at <= now() + interval '2600 milliseconds'"],
        [
          'w.lease_expires_at <= clock_timestamp()',
          "w.lease_expires_at <= clock_timestamp() + interval '2600 milliseconds'",
        ],
      ],
    },
  },
  forgotten_commit: {
    what: 'an enqueue is acknowledged that was never committed',
    shows: ['lost'],
    where: 'enqueuer',
    forgetsCommit: true,
  },
});

function replaced(text, from, to) {
  return text.includes(from) ? text.replaceAll(from, to) : undefined;
}

/**
 * The part of a bug that lies in the database.
 * @param {import('signalbox').Database} database @param {string} name @returns {Promise<boolean>} whether there is one
 */
export async function plantIn(database, name) {
  const { functions = {}, statements = [], rewrite } = plants[name];
  for (const [name, changes] of Object.entries(functions)) {
    const { rows } = await database.query(
      "select pg_get_functiondef(oid) as text from pg_proc where proname = $1 and pronamespace = 'signalbox'::regnamespace",
      [name],
    );
    let text = rows[0]?.text ?? '';
    for (const [from, to] of changes) {
      const changed = replaced(text, from, to);
      if (changed === undefined) throw new Error(`signalbox.${name} has no "${from}" to be replaced`);
      text = changed;
    }
    await database.query(text);
  }
  for (const statement of statements) await database.query(statement);
  // With a statement to be rewritten, the processes say whether they met it.
  return rewrite === undefined && (statements.length > 0 || Object.keys(functions).length > 0);
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
      return super.query(this.#rewritten(text), values);
    }

    #rewritten(text) {
      const changed = plant.rewrite?.(text);
      if (changed !== undefined) strike();
      return changed ?? text;
    }

    async transaction(work) {
      if (!plant.forgetsCommit) {
        return super.transaction((tx) =>
          work({ query: (text, values) => tx.query(this.#rewritten(text), values) }),
        );
      }
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
