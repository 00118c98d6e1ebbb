// npm run bench: Signalbox and its peers on this machine in one sitting. docs/performance.md says how to read it.
import { execFileSync } from 'node:child_process';
import { writeFile } from 'node:fs/promises';
import { cpus, totalmem } from 'node:os';
import { readArguments, usage } from './lib/arguments.mjs';
import { installed, prepare } from './lib/prepare.mjs';
import { killAll } from './lib/process.mjs';

const started = performance.now();
/** Of one system in one measure of a quick run; what is slower than this has fewer rounds, and the report says so. */
const quickBudgetMs = 120_000;

function say(text) {
  const seconds = Math.round((performance.now() - started) / 1_000);
  console.log(
    `${String(Math.floor(seconds / 60)).padStart(3)}:${String(seconds % 60).padStart(2, '0')}  ${text}`,
  );
}

let peerNode;
try {
  ({ peerNode } = prepare(say));
} catch (error) {
  console.error(error.message);
  process.exit(1);
}
// Only now: these import what `prepare` installs.
const { measures } = await import('./measures/index.mjs');
const { Postgres } = await import('./lib/postgres.mjs');
const { Stage } = await import('./lib/stage.mjs');
const { rowsOf } = await import('./lib/rows.mjs');
const { noteLines, number, printedTable, writePage } = await import('./lib/report.mjs');

const names = measures.map(({ name }) => name);
const options = parse();
const chosen = measures.filter(({ name, quick }) => {
  if (options.only.length > 0) return options.only.includes(name);
  return options.quick ? quick : true;
});

let stopping = false;
for (const signal of ['SIGINT', 'SIGTERM']) {
  process.on(signal, () => {
    if (stopping) process.exit(1);
    stopping = true;
    say(`${signal}: stopping; a second one stops at once`);
    killAll();
  });
}
process.on('exit', killAll);

const postgres = await Postgres.start();
const rows = [];
try {
  const stage = new Stage({ postgres, peerNode, scale: options.scale });
  for (const measure of chosen) {
    if (!stopping) rows.push(...rowsOf(measure, await sample(measure, stage), options));
  }
} finally {
  await postgres.stop();
}
if (stopping) process.exit(1);
await report();

/** Every contender once a round, each round beginning with another, so that none always has the same neighbour. */
async function sample(measure, stage) {
  const outcomes = new Map(measure.contenders.map((name) => [name, { samples: [], spentMs: 0 }]));
  const rounds = Math.min(options.rounds, measure.maxRounds ?? options.rounds);
  for (let round = 0; round < rounds; round += 1) {
    const turn = measure.contenders.map((_, i, all) => all[(i + round) % all.length]);
    for (const name of turn) {
      if (stopping) return outcomes;
      const outcome = outcomes.get(name);
      if (options.quick && outcome.spentMs > quickBudgetMs)
        outcome.note = `${round} of ${rounds} rounds, for time`;
      if (outcome.note !== undefined) continue;
      // What failed once is reported as failed: further rounds would only cost time.
      if (outcome.failure === undefined)
        await sampleOnce(measure, name, outcome, stage, `${round + 1}/${rounds}`);
    }
  }
  return outcomes;
}

async function sampleOnce(measure, name, outcome, stage, round) {
  const label = `${measure.name} ${round} ${name}`;
  const from = performance.now();
  const took = () => `(${((performance.now() - from) / 1_000).toFixed(1)} s)`;
  try {
    const result = await measure.run(stage, name, { quick: options.quick });
    outcome.samples.push(result);
    const figures = measure.rows.map(({ take, unit }) => `${number(take(result))} ${unit}`);
    const twice = result.twice > 0 ? `, ${result.twice} jobs ran twice` : '';
    say(`${label}: ${[...new Set(figures)].join(', ')}${twice} ${took()}`);
  } catch (error) {
    outcome.failure = error.message;
    outcome.notAvailable = error.notAvailable === true;
    say(`${label}: ${outcome.notAvailable ? 'not available' : 'FAILED'}: ${error.message} ${took()}`);
  }
  outcome.spentMs += performance.now() - from;
}

async function report() {
  console.log(`\n${printedTable(rows)}`);
  for (const line of noteLines(rows)) console.log(line);
  const about = aboutThisRun();
  console.log(about.join('\n'));
  if (options.json !== undefined) await writeFile(options.json, `${JSON.stringify(rows, null, 2)}\n`);
  if (options.write) {
    await writePage(rows, about);
    console.log('written: docs/performance.md');
  }
}

function aboutThisRun() {
  const peerVersion = output(peerNode, ['--version']);
  const gib = Math.round(totalmem() / 2 ** 30);
  const versions = ['graphile-worker', 'pg-boss', 'bullmq'].map((name) => `${name} ${installed(name)}`);
  const redis = /v=(\S+)/.exec(output('redis-server', ['--version']))?.[1];
  return [
    `${new Date().toISOString().slice(0, 10)}, ${cpus().length} × ${cpus()[0]?.model.trim()}, ${gib} GiB, ${process.platform} ${process.arch}`,
    `Node: Signalbox and the HTTP routes ${process.version}, the peers and the HTTP client ${peerVersion}`,
    `PostgreSQL ${postgres.version} (embedded, default durability), Redis ${redis} (appendonly, everysec)`,
    versions.join(', '),
    `medians of ${options.rounds} ${options.rounds === 1 ? 'round' : 'rounds'}${options.quick ? ', quick' : ''}${options.scale === 1 ? '' : `, scaled to ${options.scale}`}; ${Math.round((performance.now() - started) / 60_000)} min`,
  ];
}

function output(command, args) {
  return execFileSync(command, args, { encoding: 'utf8', timeout: 10_000 }).trim();
}

function parse() {
  try {
    const read = readArguments(process.argv.slice(2), names);
    if (!read.help && !read.list) return read;
    console.log(read.help ? usage : names.join('\n'));
    process.exit(0);
  } catch (error) {
    console.error(`${error.message}\n\n${usage}`);
    process.exit(2);
  }
}
