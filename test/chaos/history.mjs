import { within } from './time.mjs';

/**
 * One call of a handler, from the effects table.
 * @typedef {object} Run
 * @property {string} nonce
 * @property {string} jobId
 * @property {number} attempt
 * @property {string} process
 * @property {number | undefined} start
 * @property {number | undefined} end
 * @property {string | undefined} ending
 * @property {number | undefined} startedAt By the database's clock.
 * @property {number | undefined} endedAt By the database's clock; written a moment after the end.
 *
 * What happened to a job, in the engine's own words.
 * @typedef {object} Event
 * @property {number} seq
 * @property {string} type
 * @property {number} attempt
 * @property {number} at
 * @property {string | undefined} reason
 *
 * Everything the checker judges by.
 * @typedef {object} History
 * @property {import('./profile.mjs').Profile} profile
 * @property {import('./ledger.mjs').Ledger} ledger
 * @property {import('./disturbances.mjs').Disturbances} disturbances
 * @property {Map<string, import('signalbox').Job>} jobs
 * @property {Map<string, Event[]>} events
 * @property {Map<string, Run[]>} runs By job, in order of start.
 * @property {Set<string>} notes Jobs that a transaction of the caller's own named.
 * @property {Map<string, { attempt: number, nonce: string }[]>} bookings Rows that handlers wrote together with their
 *   job's success.
 * @property {import('./gatekeeper.mjs').Gatekeeper} gatekeeper
 * @property {Map<number, Set<string>>} firings Jobs of each slot of the schedule; empty without schedules.
 * @property {{ at: number, process: string }[]} reigns Who became the leader.
 * @property {readonly string[]} twice Jobs that are both unfinished and ended.
 */

const page = 200;

/**
 * Reads it through the library, so that it survives any change of the engine's tables.
 * @param {import('signalbox').Engine} engine @param {import('signalbox').Database} database
 * @param {Pick<History, 'profile' | 'ledger' | 'disturbances' | 'gatekeeper' | 'firings'>} known @returns {Promise<History>}
 */
export async function readHistory(engine, database, known) {
  const { jobs, twice } = await readJobs(engine);
  const [runs, notes, bookings, reigns, events] = await Promise.all([
    readRuns(database),
    readNotes(database),
    readBookings(database),
    readReigns(database),
    readEvents(engine, [...jobs.keys()]),
  ]);
  return { ...known, jobs, twice, events, runs, notes, bookings, reigns };
}

async function readJobs(engine) {
  const jobs = new Map();
  const twice = [];
  let before;
  for (;;) {
    const list = await engine.jobs.list({ limit: page, before });
    for (const job of list) {
      if (jobs.has(job.id)) twice.push(job.id);
      jobs.set(job.id, job);
    }
    if (list.length < page) return { jobs, twice };
    before = list[list.length - 1].id;
  }
}

async function readEvents(engine, ids) {
  const events = new Map();
  let next = 0;
  const read = async () => {
    for (let id = ids[next++]; id !== undefined; id = ids[next++]) {
      const all = [];
      for (;;) {
        const after = all.length === 0 ? 0 : all[all.length - 1].seq;
        const list = await within(engine.jobs.events(id, after, page), 30_000, 'reading events');
        for (const { seq, type, attempt, at, data } of list) {
          const reason = typeof data.reason === 'string' ? data.reason : undefined;
          all.push({ seq, type, attempt, at: at.getTime(), reason });
        }
        if (list.length < page) break;
      }
      events.set(id, all);
    }
  };
  await Promise.all(Array.from({ length: 6 }, read));
  return events;
}

async function readRuns(database) {
  /** @type {Map<string, Run>} */
  const runs = new Map();
  let after = 0;
  for (;;) {
    const { rows } = await database.query(
      `select seq::integer, nonce, kind, job_id, attempt, process, local_at, at from chaos.effect
       where seq > $1 order by seq limit 5000`,
      [after],
    );
    for (const row of rows) {
      const run = runs.get(row.nonce) ?? {
        nonce: row.nonce,
        jobId: row.job_id,
        attempt: row.attempt,
        process: row.process,
        start: undefined,
        end: undefined,
        ending: undefined,
        startedAt: undefined,
        endedAt: undefined,
      };
      runs.set(row.nonce, run);
      if (row.kind === 'start') {
        run.start = row.local_at.getTime();
        run.startedAt = row.at.getTime();
      } else {
        run.end = row.local_at.getTime();
        run.endedAt = row.at.getTime();
        run.ending = row.kind;
      }
      after = row.seq;
    }
    if (rows.length < 5_000) break;
  }
  const byJob = new Map();
  // A handler that could not leave its start did no work.
  const started = [...runs.values()].filter(({ start }) => start !== undefined);
  for (const run of started.sort((a, b) => a.start - b.start)) {
    const list = byJob.get(run.jobId) ?? [];
    list.push(run);
    byJob.set(run.jobId, list);
  }
  return byJob;
}

async function readBookings(database) {
  const { rows } = await database.query('select job_id, attempt, nonce from chaos.booking');
  const bookings = new Map();
  for (const { job_id: id, attempt, nonce } of rows) {
    bookings.set(id, [...(bookings.get(id) ?? []), { attempt, nonce }]);
  }
  return bookings;
}

async function readReigns(database) {
  const { rows } = await database.query('select at, application from chaos.reign order by at');
  return rows.map(({ at, application }) => ({
    at: at.getTime(),
    process: application.replace(/^chaos-/, ''),
  }));
}

/**
 * What became of the schedule's slots, added to what was read before: the engine keeps the newest only.
 * @param {import('signalbox').Database} database @param {string} schedule @param {Map<number, Set<string>>} firings
 */
export async function collectFirings(database, schedule, firings) {
  const { rows } = await database.query(
    'select slot, job_id, outcome, at::text from signalbox.schedule_firing where schedule = $1',
    [schedule],
  );
  for (const { slot, job_id: job, outcome, at } of rows) {
    const known = firings.get(slot.getTime()) ?? new Set();
    firings.set(slot.getTime(), known.add(job ?? `${outcome} ${at}`));
  }
}

async function readNotes(database) {
  const { rows } = await database.query('select job_id from chaos.note');
  return new Set(rows.map((row) => row.job_id));
}
