import { fileURLToPath } from 'node:url';
import { Database, Engine } from '../../dist/index.js';
import { startSignalboxServer } from '../http/signalbox-server.mjs';
import { temporaryFolder } from '../lib/postgres.mjs';
import { Remote } from '../lib/process.mjs';
import { quiet } from '../lib/quiet.mjs';

const clientFile = fileURLToPath(new URL('../http/client.mjs', import.meta.url));
const baselineFile = fileURLToPath(new URL('../http/baseline.mjs', import.meta.url));
const connections = 64;
const nothing = 'stores nothing';
const insert = 'one INSERT per request, pool of 10';

/** Durable POST /jobs by 64 connections, against the same route without a store and with the plainest one. */
export const http = {
  name: 'http',
  contenders: ['signalbox', nothing, insert],
  run: (stage, name) =>
    stage.withDatabase(({ url }) => {
      if (name === 'signalbox') return ours(stage, url);
      return baseline(stage, name === insert ? url : undefined);
    }),
  rows: [row('http-vs-nothing', 0.8, nothing), row('http-vs-insert', 2.5, insert)],
};

function row(measure, goal, opponent) {
  return {
    measure,
    unit: 'requests/s',
    better: 'higher',
    goal,
    acceptedFrom: goal,
    judgedBy: 'ratio',
    opponents: [opponent],
    take: ({ rate }) => rate,
  };
}

async function ours(stage, databaseUrl) {
  const home = await temporaryFolder('home');
  try {
    const server = await startSignalboxServer({ databaseUrl, home: home.path });
    try {
      return await load(stage, server.url, () => countJobs(databaseUrl));
    } finally {
      await server.stop();
    }
  } finally {
    await home.remove();
  }
}

/** Every job that was accepted must be there. */
async function countJobs(url) {
  const database = new Database({
    url,
    applicationName: 'bench',
    poolSize: 2,
    connectTimeoutMs: 10_000,
    statementTimeoutMs: 60_000,
    logger: quiet,
  });
  try {
    const engine = new Engine({ database, tasks: [], logger: quiet });
    return Object.values(await engine.jobs.counts()).reduce((sum, n) => sum + n, 0);
  } finally {
    await database.close();
  }
}

async function baseline(stage, url) {
  const server = new Remote({ node: process.execPath, file: baselineFile });
  try {
    const { url: address } = await server.call('open', { url });
    const stored = async () => (await server.call('stored')).count;
    return await load(stage, address, url === undefined ? undefined : stored);
  } finally {
    await server.stop();
  }
}

async function load(stage, url, stored) {
  const client = new Remote({ node: stage.peerNode, file: clientFile });
  try {
    const warm = await client.call('load', { url, connections, durationMs: 2_000 });
    const result = await client.call('load', { url, connections, durationMs: stage.size(10_000) }, 60_000);
    const failed = warm.failed + result.failed;
    if (failed > 0) throw new Error(`${failed} requests were not answered with 2xx`);
    const accepted = warm.accepted + result.accepted;
    const found = stored === undefined ? accepted : await stored();
    if (found < accepted) throw new Error(`${accepted} jobs were accepted and only ${found} are there`);
    return result;
  } finally {
    await client.stop();
  }
}
