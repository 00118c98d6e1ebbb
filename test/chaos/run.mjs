// Breaks everything around the engine on purpose and proves that no job is lost or done twice: docs/chaos.md
import { chmod, cp, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { runCampaign } from './campaign.mjs';
import { findPooler } from './pooler.mjs';
import { plants } from './process/sabotage.mjs';
import { standardProfile } from './profile.mjs';
import { runSelfTest } from './self-test.mjs';
import { Server } from './server.mjs';
import { Cleanup } from './time.mjs';

const usage = `npm run chaos -- [--minutes N] [--seed N] [--json FILE] [--self-test [--plant BUG]]
`;
const shownViolations = 40;
const cleanup = new Cleanup();
const interrupted = new AbortController();
for (const name of ['SIGINT', 'SIGTERM'])
  process.once(name, () => interrupted.abort(new Error(`stopped by ${name}`)));

let options;
try {
  options = readArguments();
} catch (error) {
  process.stderr.write(`${error.message}\n${usage}`);
  process.exit(2);
}

/** Set as soon as there is something to be kept. */
let keepLogs = () => '';
let code = 1;
try {
  code = options.selfTest ? await selfTest(options) : await chaos(options);
} catch (error) {
  const logs = interrupted.signal.aborted ? '' : keepLogs();
  process.stderr.write(`${error.stack}\nseed ${options.seed}${logs === '' ? '' : `; logs in ${logs}`}\n`);
} finally {
  await cleanup.run();
}
process.exit(code);

async function chaos({ minutes, seed, json }) {
  say(`seed ${seed}, ${minutes} minutes of faults`);
  const common = await prepare(seed);
  if (common.poolerProgram === undefined) say('pgbouncer is not installed: no worker goes through it');
  const result = await runCampaign({ ...common, profile: standardProfile, faultsMs: minutes * 60_000 });
  const { violations, sabotaged, logs, ...figures } = result;
  if (json !== undefined) await writeFile(json, `${JSON.stringify({ ...figures, violations }, null, 2)}\n`);
  say(JSON.stringify(figures, null, 2));
  if (violations.length === 0) {
    say(`no violation; seed ${seed}`);
    return 0;
  }
  for (const { kind, job, message } of violations.slice(0, shownViolations)) {
    say(`VIOLATION ${kind}${job === undefined ? '' : ` job ${job}`}: ${message}`);
  }
  keepLogs();
  say(`${violations.length} violations; seed ${seed}; logs of every process in ${logs}`);
  return 1;
}

async function selfTest({ seed, json, plant }) {
  const common = await prepare(seed);
  const results = await runSelfTest(common, plant);
  if (json !== undefined) await writeFile(json, `${JSON.stringify({ seed, results }, null, 2)}\n`);
  const missed = results.filter(({ passed }) => !passed);
  if (missed.length > 0) {
    keepLogs();
    for (const { violations } of missed) say(JSON.stringify(violations, null, 2));
    say(
      `FAILED: ${missed.map(({ planted }) => planted ?? 'no bug').join(', ')}; seed ${seed}; logs in ${common.folder}`,
    );
    return 1;
  }
  say(`every planted bug was found; seed ${seed}`);
  return 0;
}

/** A server of our own in a folder that goes away unless something was found. */
async function prepare(seed) {
  const folder = await mkdtemp(join(tmpdir(), 'signalbox-chaos-'));
  let keep = false;
  // PostgreSQL does not run as root, and its account must get in.
  await chmod(folder, 0o755);
  const home = join(folder, 'home');
  cleanup.add('removing the folder', async () => {
    if (keep) await cp(join(home, 'postgres'), join(folder, 'postgres'), { recursive: true, filter: isLog });
    await rm(home, { recursive: true, force: true });
    if (!keep) await rm(folder, { recursive: true, force: true });
  });
  keepLogs = () => {
    keep = true;
    return folder;
  };
  const logger = quietLogger();
  const server = await Server.start(home, logger);
  cleanup.add('stopping PostgreSQL', () => server.stop());
  const poolerProgram = findPooler();
  return {
    server,
    folder,
    seed,
    logger,
    poolerProgram,
    say,
    signal: interrupted.signal,
  };
}

/** Of the server's folder. */
function isLog(path) {
  return path.endsWith('postgres') || path.endsWith('.log');
}

/** Only what is wrong in the runner itself: the rest is expected while everything breaks. */
function quietLogger() {
  const nothing = () => undefined;
  const error = (fields, message) => say(`runner: ${message} ${JSON.stringify(fields)}`);
  const logger = { debug: nothing, info: nothing, warn: nothing, error, child: () => logger };
  return logger;
}

function readArguments() {
  const { values } = parseArgs({
    options: {
      minutes: { type: 'string', default: '3' },
      seed: { type: 'string', default: String(Date.now() % 1_000_000) },
      json: { type: 'string' },
      'self-test': { type: 'boolean', default: false },
      plant: { type: 'string' },
    },
  });
  const minutes = Number(values.minutes);
  const seed = Number(values.seed);
  if (!(minutes > 0)) throw new Error('--minutes must be a number above 0');
  if (!Number.isInteger(seed) || seed < 0) throw new Error('--seed must be a whole number from 0');
  const { plant } = values;
  if (plant !== undefined && !(plant in plants))
    throw new Error(`--plant must be one of ${Object.keys(plants).join(', ')}`);
  return { minutes, seed, json: values.json, selfTest: values['self-test'], plant };
}

function say(text) {
  process.stdout.write(`${text}\n`);
}
