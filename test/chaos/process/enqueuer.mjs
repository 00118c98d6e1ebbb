import { setTimeout as sleep } from 'node:timers/promises';
import { Database, Engine, SignalboxError } from 'signalbox';
import { v7 as newId } from 'uuid';
import { randomFrom } from '../random.mjs';
import { lineLogger } from './logger.mjs';
import { sabotaged } from './sabotage.mjs';
import { receiveSettings, tell } from './settings.mjs';
import { chaosTasks } from './tasks.mjs';

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
};

class Undo extends Error {}

const operations = {
  single: async () => {
    const job = newJob();
    await attempt('single', [job], () => engine.enqueue(job.task, job.input, job.options));
  },
  bulk: async () => {
    const task = random.weighted(profile.tasks);
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
    const jobs = Array.from({ length: random.between(1, 3) }, () => newJob());
    await attempt('commit', jobs, () => database.transaction((tx) => enqueueIn(tx, jobs)));
  },
  rollback: async () => {
    const jobs = Array.from({ length: random.between(1, 3) }, () => newJob());
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

/** Says what is about to be asked for, and then what came of it. */
async function attempt(kind, jobs, work) {
  const ids = jobs.map(({ options }) => options.id);
  tell({
    type: 'intent',
    kind,
    jobs: jobs.map(({ task, options }) => ({ id: options.id, task, runAt: options.runAt?.getTime() })),
  });
  try {
    await work();
    tell({ type: 'accepted', ids, at: Date.now() });
    mine.push(...ids);
  } catch (error) {
    if (error instanceof Undo) return tell({ type: 'undone', ids });
    logger.warn({ kind, error: String(error) }, 'an enqueue was not acknowledged');
    // What is not known to be refused may have been committed.
    tell({ type: 'unknown', ids });
    if (error instanceof SignalboxError && error.retryable) return;
    tell({ type: 'untyped', what: `enqueue (${kind})`, error: String(error) });
  }
}

async function enqueueIn(tx, jobs) {
  for (const job of jobs) {
    await tx.query('insert into chaos.note (job_id) values ($1)', [job.options.id]);
    await engine.enqueue(tx, job.task, job.input, job.options);
  }
}

function newJob(task = random.weighted(profile.tasks)) {
  const later = random.chance(0.12) ? random.between(...profile.laterMs) : undefined;
  return {
    task,
    input: inputs[task](),
    options: {
      id: newId(),
      ...(later === undefined ? {} : { runAt: new Date(Date.now() + later) }),
      ...(random.chance(0.1) ? { priority: random.between(-5, 5) } : {}),
    },
  };
}
