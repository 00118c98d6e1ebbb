import { setTimeout as sleep } from 'node:timers/promises';
import { Database, Engine, SignalboxError } from 'signalbox';
import { v7 as newId } from 'uuid';
import { randomFrom } from '../random.mjs';
import { lineLogger } from './logger.mjs';
import { sabotaged } from './sabotage.mjs';
import { receiveSettings, tell } from './settings.mjs';
import { chaosTasks, keyLimits } from './tasks.mjs';

const { name, url, profile, plant, seed } = await receiveSettings();
const logger = lineLogger({ process: name });
const random = randomFrom(seed);
const { DatabaseClass } = sabotaged(Database, plant, () => tell({ type: 'sabotaged' }));
const database = new DatabaseClass({
  url,
  applicationName: `chaos-${name}`,
  connectTimeoutMs: profile.connectTimeoutMs,
  statementTimeoutMs: profile.statementTimeoutMs,
  poolSize: 5,
  logger,
});
const engine = new Engine({ database, tasks: chaosTasks(undefined), logger });
/** Accepted jobs that may be cancelled. @type {string[]} */
const mine = [];
/** Whose unique key another job had. @type {Set<string>} */
const refused = new Set();
/** How often an enqueue whose answer was lost is repeated. */
const tries = 6;

const short = () => random.between(0, 40);
const inputs = {
  quick: () => ({ ms: random.between(...profile.quickMs) }),
  slow: () => ({ ms: random.between(...profile.slowMs) }),
  flaky: () => ({ ms: short(), times: random.between(1, 3) }),
  permanent: () => ({ ms: random.between(...profile.quickMs) }),
  exhausted: () => ({ ms: short() }),
  snoozing: () => ({ ms: short(), delayMs: random.between(100, 2_000) }),
  overdue: () => ({}),
  stubborn: () => ({ ms: random.between(100, 1_200) }),
  keyed: () => ({ ms: random.between(50, 500), key: random.pick(tenants) }),
  narrow: () => ({ ms: random.between(50, 500) }),
  gated: () => ({ ms: random.between(50, 500) }),
  single: () => ({ ms: random.between(50, 800), key: `only:${random.between(1, 3)}` }),
  booked: () => ({ ms: random.between(...profile.quickMs) }),
};
const tenants = Object.keys(keyLimits).filter((key) => key !== 'tenant:probe');

class Undo extends Error {}

const operations = {
  single: async () => {
    const job = newJob();
    await attempt('single', [job], async () => [await engine.enqueue(job.task, job.input, job.options)]);
  },
  bulk: async () => {
    const { single: _, ...tasks } = profile.tasks;
    const task = random.weighted(tasks);
    const jobs = Array.from({ length: random.between(2, 25) }, () => newJob(task));
    await attempt('bulk', jobs, () =>
      engine.enqueueMany(
        task,
        jobs.map(({ input, options }) => ({ input, options })),
      ),
    );
  },
  // With a row of the caller's own: both or none.
  commit: async () => {
    const jobs = Array.from({ length: random.between(1, 3) }, () => newJob(plainTask()));
    await attempt('commit', jobs, () => database.transaction((tx) => enqueueIn(tx, jobs)));
  },
  rollback: async () => {
    const jobs = Array.from({ length: random.between(1, 3) }, () => newJob(plainTask()));
    await attempt('rollback', jobs, () =>
      database.transaction(async (tx) => {
        await enqueueIn(tx, jobs);
        // Long enough that somebody may kill us here.
        if (random.chance(0.3)) await sleep(random.between(200, 2_000));
        throw new Undo('taken back');
      }),
    );
  },
  cancel: async () => {
    const id =
      mine.length === 0 ? undefined : mine[random.between(Math.max(0, mine.length - 60), mine.length - 1)];
    if (id === undefined) return;
    try {
      const job = await engine.jobs.cancel(id);
      tell({ type: 'cancelled', id, status: job.status, at: Date.now() });
    } catch (error) {
      if (!(error instanceof SignalboxError)) tell({ type: 'untyped', what: 'cancel', error: String(error) });
    }
  },
};

const weights = { single: 55, bulk: 8, commit: 14, rollback: 9, cancel: 14 };
tell({ type: 'ready' });
let stopping = false;
let underWay = 0;
process.on('message', (message) => {
  if (message.type === 'stop') stopping = true;
});
while (!stopping) {
  await sleep((random.between(50, 150) / 100) * (1_000 / profile.operationsPerSecond));
  // While the database is away callers pile up to here, not for ever.
  if (underWay >= 5) continue;
  underWay += 1;
  void operations[random.weighted(weights)]().finally(() => {
    underWay -= 1;
  });
}
while (underWay > 0) await sleep(20);
await database.close();
tell({ type: 'done' });
process.removeAllListeners('disconnect');
process.disconnect();

/** In a transaction of the caller's, a key that is held would answer with another job. */
function plainTask() {
  const { single: _, ...tasks } = profile.tasks;
  return random.weighted(tasks);
}

/** Says what is about to be asked for, and then what came of it. */
async function attempt(kind, jobs, work) {
  const ids = jobs.map(({ options }) => options.id);
  tell({
    type: 'intent',
    kind,
    jobs: jobs.map(({ task, options }) => ({ id: options.id, task, runAt: options.runAt?.getTime() })),
    at: Date.now(),
  });
  for (let turn = 1; ; turn += 1) {
    try {
      acknowledge(ids, await work());
      break;
    } catch (error) {
      if (error instanceof Undo) return tell({ type: 'undone', ids });
      logger.warn({ kind, turn, error: String(error) }, 'an enqueue was not acknowledged');
      // What is not known to be refused may have been committed.
      tell({ type: 'unknown', ids });
      if (!(error instanceof SignalboxError && error.retryable)) {
        tell({ type: 'untyped', what: `enqueue (${kind})`, error: String(error) });
        return;
      }
      // The ids make it safe to ask again; the caller's own rows would collide.
      if (kind === 'commit' || kind === 'rollback' || turn === tries) return;
      await sleep(random.between(20, 400) * turn);
    }
  }
  if (kind === 'commit' || ids.some((id) => refused.has(id)) || !random.chance(0.05)) return;
  // As if the answer had been lost: the same once more, a while later.
  await sleep(random.pick([0, 50, 500, 3_000]));
  try {
    const again = await work();
    for (const [n, { id, duplicate }] of again.entries()) {
      if (!duplicate) tell({ type: 'made_twice', id: ids[n] });
      else if (id !== ids[n]) tell({ type: 'misnamed', id: ids[n], other: id });
    }
  } catch (error) {
    if (error instanceof SignalboxError && error.retryable) return;
    tell({ type: 'untyped', what: `enqueue once more (${kind})`, error: String(error) });
  }
}

function acknowledge(ids, answers) {
  const at = Date.now();
  const held = ids.flatMap((id, n) => {
    const answer = answers?.[n];
    return answer === undefined || answer.id === id ? [] : [{ id, holder: answer.id }];
  });
  for (const { id, holder } of held) {
    refused.add(id);
    tell({ type: 'refused', id, holder, at });
  }
  const accepted = ids.filter((id) => !refused.has(id));
  tell({ type: 'accepted', ids: accepted, at });
  mine.push(...accepted);
}

async function enqueueIn(tx, jobs) {
  for (const job of jobs) {
    await tx.query('insert into chaos.note (job_id) values ($1)', [job.options.id]);
    await engine.enqueue(tx, job.task, job.input, job.options);
  }
}

function newJob(task = random.weighted(profile.tasks)) {
  const later = random.chance(0.12) ? random.between(...profile.laterMs) : undefined;
  const now = Date.now();
  const deadline = random.chance(0.04) ? random.between(...profile.deadlineMs) : undefined;
  const expiry = random.chance(0.04) ? random.between(...profile.deadlineMs) : undefined;
  return {
    task,
    input: inputs[task](),
    options: {
      id: newId(),
      ...(later === undefined ? {} : { runAt: new Date(now + later) }),
      ...(deadline === undefined ? {} : { deadlineAt: new Date(now + deadline) }),
      ...(expiry === undefined ? {} : { expiresAt: new Date(now + expiry) }),
      ...(random.chance(0.1) ? { priority: random.between(-5, 5) } : {}),
    },
  };
}
