import { randomBytes } from 'node:crypto';
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { Database, Engine, engineMigrations, migrateUp } from 'signalbox';
import { v7 as newId } from 'uuid';
import { Disturbances } from './disturbances.mjs';
import { Faults } from './faults.mjs';
import { Fleet } from './fleet.mjs';
import { Gatekeeper } from './gatekeeper.mjs';
import { collectFirings, readHistory } from './history.mjs';
import { judge } from './invariants/index.mjs';
import { Ledger } from './ledger.mjs';
import { Monitor } from './monitor.mjs';
import { Pooler } from './pooler.mjs';
import { plantIn } from './process/sabotage.mjs';
import { chaosTasks } from './process/tasks.mjs';
import { randomFrom } from './random.mjs';
import { Cleanup, sleep, until, within } from './time.mjs';

const oneHolder = 'chaos_one_holder';
const effectsSql = [
  'create schema chaos',
  `create table chaos.effect (
    seq bigint generated always as identity primary key,
    nonce uuid not null,
    kind text not null,
    job_id uuid not null,
    attempt integer not null,
    process text not null,
    worker text,
    local_at timestamptz not null,
    at timestamptz not null default clock_timestamp(),
    unique (nonce, kind))`,
  `create function chaos.refuse() returns trigger language plpgsql as
    $$ begin raise exception 'chaos.effect is append-only'; end $$`,
  `create trigger append_only before update or delete on chaos.effect
    for each statement execute function chaos.refuse()`,
  'create table chaos.note (job_id uuid primary key)',
  'create table chaos.booking (job_id uuid not null, attempt integer not null, nonce uuid not null)',
  `create table chaos.reign (at timestamptz not null default clock_timestamp(), application text not null)`,
  `create function chaos.enthrone() returns trigger language plpgsql as $$ begin
    if tg_op = 'INSERT' or old.holder <> new.holder then
      insert into chaos.reign (application) values (current_setting('application_name'));
    end if;
    return null;
  end $$`,
  `create trigger enthrone after insert or update on signalbox.leader for each row execute function chaos.enthrone()`,
  // A wire across the door: two unfinished jobs with one key make an error, whatever the engine believes.
  `create unique index ${oneHolder} on signalbox.job (unique_key) where unique_key is not null`,
];

const ticking = 'chaos.tick';

/**
 * One campaign: load and faults for a while, then peace, then judgement.
 * @param {object} options
 * @param {import('./server.mjs').Server} options.server
 * @param {string} options.folder for logs
 * @param {import('./profile.mjs').Profile} options.profile
 * @param {number} options.seed
 * @param {number} options.faultsMs
 * @param {import('signalbox').Logger} options.logger
 * @param {string | undefined} [options.poolerProgram]
 * @param {{ name: string, where: 'worker' | 'enqueuer' } | undefined} [options.plant]
 * @param {(text: string) => void} options.say
 * @param {AbortSignal} options.signal Ends it early, without a judgement.
 */
export async function runCampaign(options) {
  const cleanup = new Cleanup();
  try {
    return await campaign(options, cleanup);
  } finally {
    await cleanup.run();
  }
}

async function campaign(options, cleanup) {
  const { server, folder, profile, seed, faultsMs, logger, poolerProgram, plant, say, signal } = options;
  const began = Date.now();
  const random = randomFrom(seed);
  const logs = join(folder, plant === undefined ? 'logs' : `logs-${plant.name}`);
  await mkdir(logs, { recursive: true });

  const url = await server.createDatabase(`chaos_${randomBytes(4).toString('hex')}`);
  const connection = {
    url,
    applicationName: 'chaos-runner',
    connectTimeoutMs: 10_000,
    statementTimeoutMs: 30_000,
  };
  await migrateUp({ connection, folders: [engineMigrations], logger });
  const database = new Database({ ...connection, poolSize: 8, logger });
  cleanup.add('closing the connections', () => database.close());
  for (const statement of effectsSql) await database.query(statement);
  const planted = plant === undefined ? false : await plantIn(database, plant.name);

  const pooler =
    poolerProgram === undefined
      ? undefined
      : await Pooler.start(poolerProgram, join(folder, `pooler-${randomBytes(3).toString('hex')}`), url);
  if (pooler !== undefined) cleanup.add('stopping pgbouncer', () => pooler.stop());

  const ledger = new Ledger();
  const disturbances = new Disturbances();
  const fleet = new Fleet({ profile, url, pooler, ledger, disturbances, random, logs, plant });
  cleanup.add('ending the processes', () => fleet.end());
  const engine = new Engine({ database, tasks: chaosTasks(undefined), logger });
  const gatekeeper = new Gatekeeper(engine.gates, random);
  const faults = new Faults({
    gatekeeper,
    profile,
    random,
    fleet,
    disturbances,
    server,
    pooler,
    database,
    say: (text) => say(`  ${text}`),
  });
  cleanup.add('ending the faults', () => faults.calm());
  const monitor = new Monitor({ engine, disturbances, profile });
  const violations = [];
  const violate = (kind, message) => violations.push({ kind, job: undefined, message });

  const firings = new Map();
  const collect = () => collectFirings(database, ticking, firings);
  await gatekeeper.open();
  await engine.schedules.put({
    name: ticking,
    task: 'tick',
    cron: '* * * * * *',
    catchUp: 'all',
    overlap: 'allow',
    slotField: 'slot',
  });
  const watching = watch({ monitor, engine, ledger, began, say, collect });
  cleanup.add('ending the watch', () => watching.stop());

  while (fleet.workers.length < profile.workers[0] + 1) await fleet.addWorker();
  while (fleet.enqueuers.length < 2) await fleet.addEnqueuer();
  await begun(fleet, ledger, signal);
  const end = endOfFaults(faultsMs, signal);
  await faults.run(end.signal).finally(() => end.forget());
  signal.throwIfAborted();

  say('peace: every fault is ended, the queue must drain');
  await within(faults.calm(), 60_000, 'the end of the lasting faults');
  const peace = Date.now();
  await gatekeeper.release();
  await Promise.all(fleet.enqueuers.map((member) => finishEnqueuer(member)));
  while (fleet.healthy.length < profile.workers[0]) await fleet.addWorker();
  await checkTicking(engine, database, peace, violate);
  await engine.schedules.pause(ticking);
  await collect();
  const drained = await drain(engine, profile.drainedWithinMs, signal);
  say(`drained ${Date.now() - peace} ms after the last fault`);
  const idle = await probe({
    engine,
    ledger,
    profile,
    signal,
    count: plant === undefined ? 15 : 3,
    patient: drained,
  });
  for (const message of idle.slept) violate('slept', message);
  for (const message of await probeKey({ engine, ledger, profile, signal })) violate('slept', message);
  await checkEverybodyIsBack(engine, fleet, violate);
  await checkNothingIsLeft(database, violate);
  await monitor.look();
  await watching.stop();
  const leaving = profile.drainTimeoutMs + 5_000 + 2 * profile.statementTimeoutMs;
  await Promise.all(fleet.workers.map((member) => fleet.leave(member, leaving)));
  await checkNobodyStays(engine, violate);
  await checkTally(engine, database, violate);

  say('reading the history');
  const history = await readHistory(engine, database, {
    profile,
    ledger,
    disturbances,
    gatekeeper,
    firings,
  });
  const report = judge(history);
  for (const { what, error } of ledger.untyped) {
    const kind = error.includes(oneHolder) ? 'key_shared' : 'untyped_error';
    violate(kind, `${what} rejected with ${error}`);
  }
  for (const violation of report.violations) {
    if (violation.kind === 'unfinished' && violation.job !== undefined) await explain(engine, violation);
  }
  report.violations.push(...violations, ...fleet.violations, ...monitor.violations);

  return {
    // Some are there whose acknowledgement was lost on its way.
    accepted: [...ledger.entries.values()].filter(
      ({ id, answer }) => answer === 'accepted' || history.jobs.has(id),
    ).length,
    acknowledged: ledger.accepted,
    finished: report.figures.finished,
    lost: report.count('lost', 'unfinished'),
    duplicated: report.count('duplicated', 'wrong_attempt', 'overlap'),
    rescued: report.figures.rescued,
    limit_violations: report.count('limit_exceeded', 'ran_while_paused'),
    slots: report.figures.slots,
    refused_by_key: report.figures.refused,
    faults: disturbances.counts(),
    late_outcomes: fleet.lateOutcomes,
    max_rescue_ms: report.figures.max_rescue_ms,
    max_start_after_rescue_ms: report.figures.max_start_after_rescue_ms,
    max_undisturbed_rescue_ms: report.figures.max_undisturbed_rescue_ms,
    idle_wake_up_ms: idle.longest,
    unanswered: [...ledger.entries.values()].filter(
      ({ answer }) => answer === 'unknown' || answer === 'asked',
    ).length,
    seed,
    seconds: Math.round((Date.now() - began) / 1_000),
    violations: report.violations,
    sabotaged: planted || fleet.sabotaged,
    logs,
  };
}

/** Not `AbortSignal.any` with `AbortSignal.timeout`: that one may be collected as garbage before it fires. */
function endOfFaults(ms, signal) {
  const end = new AbortController();
  const timer = setTimeout(() => end.abort(), ms);
  const stop = () => {
    clearTimeout(timer);
    end.abort();
  };
  signal.addEventListener('abort', stop, { once: true });
  return { signal: end.signal, forget: () => signal.removeEventListener('abort', stop) };
}

/** On a busy machine processes take their time: nothing is broken before everybody is there and something is asked for. */
async function begun(fleet, ledger, signal) {
  const all = async () => {
    const ready = [...fleet.workers, ...fleet.enqueuers].every((member) => member.ready);
    return ready && ledger.accepted > 0 ? true : undefined;
  };
  await until(all, 120_000, 'the beginning of the processes', signal);
}

/** Figures now and then, and the monitor's look. */
function watch({ monitor, engine, ledger, began, say, collect }) {
  const stopping = new AbortController();
  const loop = async () => {
    for (let turn = 1; !stopping.signal.aborted; turn += 1) {
      await sleep(1_000, undefined, { signal: stopping.signal }).catch(() => undefined);
      try {
        await monitor.look();
        if (turn % 10 !== 0 || stopping.signal.aborted) continue;
        await collect();
        const counts = Object.entries(await engine.jobs.counts()).filter(([, count]) => count > 0);
        const text = counts.map(([state, count]) => `${count} ${state}`).join(', ');
        say(`${Math.round((Date.now() - began) / 1_000)} s: ${ledger.accepted} accepted; ${text}`);
      } catch {
        // The database is away because we took it away.
      }
    }
  };
  const running = loop();
  return {
    stop: () => {
      stopping.abort();
      return running;
    },
  };
}

async function finishEnqueuer({ child }) {
  child.leaving = 'left';
  child.send({ type: 'stop' });
  await within(child.exited, 30_000, `${child.name} finishing`);
}

/** @returns whether nothing is left to do */
async function drain(engine, ms, signal) {
  try {
    await until(
      async () => {
        const { succeeded, failed, cancelled, ...open } = await engine.jobs.counts();
        return Object.values(open).every((count) => count === 0) ? true : undefined;
      },
      ms,
      'draining',
      signal,
    );
    return true;
  } catch {
    signal.throwIfAborted();
    // The checker names each job that is left.
    return false;
  }
}

/** Jobs for workers that have nothing to do, one after the other: each must be noticed. */
async function probe({ engine, ledger, profile, signal, count, patient }) {
  const slept = [];
  let longest = 0;
  // Workers whose wire was cut must have found that out.
  if (patient) await sleep(2 * profile.statementTimeoutMs, undefined, { signal });
  for (let n = 0; n < count; n += 1) {
    const id = newId();
    const job = { id, task: 'probe', runAt: undefined };
    ledger.take({ type: 'intent', kind: 'probe', jobs: [job] });
    await engine.enqueue('probe', {}, { id });
    ledger.take({ type: 'accepted', ids: [id] });
    const asked = Date.now();
    const begun = async () => ((await engine.jobs.get(id)).startedAt === null ? undefined : true);
    try {
      await until(begun, profile.wakeUpWithinMs, 'the probe', signal);
      longest = Math.max(longest, Date.now() - asked);
    } catch {
      slept.push(`job ${id} waited longer than ${profile.wakeUpWithinMs} ms for idle workers`);
    }
    await sleep(100);
  }
  await drain(engine, profile.wakeUpWithinMs, signal);
  return { slept, longest };
}

/** Jobs of one key, one at a time: each must be noticed when the one before it has given its slot back. */
async function probeKey({ engine, ledger, profile, signal }) {
  const input = { ms: 20, key: 'tenant:probe' };
  const ids = Array.from({ length: 4 }, () => newId());
  ledger.take({ type: 'intent', kind: 'probe', jobs: ids.map((id) => ({ id, task: 'keyed' })) });
  await engine.enqueueMany(
    'keyed',
    ids.map((id) => ({ input, options: { id } })),
  );
  ledger.take({ type: 'accepted', ids });
  const slept = [];
  for (const id of ids) {
    const ended = async () => ((await engine.jobs.get(id)).finishedAt === null ? undefined : true);
    try {
      await until(ended, profile.wakeUpWithinMs, 'the probe of a key', signal);
    } catch {
      slept.push(`job ${id} waited longer than ${profile.wakeUpWithinMs} ms for the slot of its key`);
      break;
    }
  }
  return slept;
}

/** Every slot until now must be decided. */
async function checkTicking(engine, database, peace, violate) {
  const decided = async () => {
    const { rows } = await database.query(
      'select max(slot) as newest from signalbox.schedule_firing where schedule = $1',
      [ticking],
    );
    return rows[0].newest !== null && rows[0].newest.getTime() >= peace - 1_000 ? true : undefined;
  };
  try {
    await until(decided, 30_000, 'catching up with the schedule');
  } catch {
    const { lastError } = await engine.schedules.get(ticking);
    violate('slot_lost', `nobody fires the schedule any more; its last error: ${lastError ?? 'none'}`);
  }
}

const leftSql = `
  select (select count(*)::integer from signalbox.claim) as claims,
         (select count(*)::integer from signalbox.slot) as slots,
         (select count(*)::integer from signalbox.unique_key u
          where not exists (select from signalbox.job j where j.id = u.job_id)) as keys,
         (select count(*)::integer from signalbox.job) as jobs`;

/** With every job ended, nothing may hold anything. */
async function checkNothingIsLeft(database, violate) {
  let left;
  const clean = async () => {
    [left] = (await database.query(leftSql)).rows;
    return Object.values(left).every((count) => count === 0) ? true : undefined;
  };
  try {
    await until(clean, 15_000, 'nothing being left');
  } catch {
    for (const [what, count] of Object.entries(left)) {
      // `unfinished` names the jobs.
      if (count > 0 && what !== 'jobs')
        violate(`stale_${what}`, `${count} ${what} are held although nothing runs`);
    }
  }
}

/** What the engine has counted, and what is there. */
async function checkTally(engine, database, violate) {
  const told = await engine.jobs.counts();
  const { rows } = await database.query(
    'select status, count(*)::integer as n from signalbox.jobs group by status',
  );
  const truth = Object.fromEntries(rows.map(({ status, n }) => [status, n]));
  for (const [status, count] of Object.entries(told)) {
    if (count === (truth[status] ?? 0)) continue;
    violate('wrong_tally', `${count} jobs are said to be ${status} and ${truth[status] ?? 0} are`);
  }
}

/** A worker that lives, and that nothing disturbs any more, must hold a lease again. */
async function checkEverybodyIsBack(engine, fleet, violate) {
  const live = new Set((await engine.workers()).filter((worker) => worker.live).map(({ pid }) => pid));
  for (const { child, name } of fleet.workers) {
    if (child.alive && !live.has(child.pid)) {
      violate('not_recovered', `${name} holds no lease although nothing disturbs it; ${child.log}`);
    }
  }
}

async function checkNobodyStays(engine, violate) {
  for (const { id, live, status } of await engine.workers()) {
    if (live) violate('left_behind', `worker ${id} is ${status} and live although every worker has left`);
  }
}

async function explain(engine, violation) {
  const { reasons } = await engine.jobs.explain(violation.job);
  violation.message += `; ${reasons.map((reason) => reason.message ?? JSON.stringify(reason)).join(' ')}`;
}
