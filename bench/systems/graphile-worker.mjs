import { Logger, makeWorkerUtils, run } from 'graphile-worker';
import pg from 'pg';

const logger = new Logger(() => () => undefined);

// https://worker.graphile.org/docs/performance, "Quick stats".
const tuned = { localQueue: { size: 500 }, completeJobBatchDelay: 0, failJobBatchDelay: 0 };
// The local queue delays a lone job: without it this peer starts one sooner.
const profiles = { throughput: tuned, latency: {} };

export async function open({ url }) {
  const pool = new pg.Pool({ connectionString: url, max: 25 });
  pool.on('error', () => undefined);
  const utils = await makeWorkerUtils({ pgPool: pool, logger });
  let runner;
  return {
    bulk: { chunk: 1_000, lanes: 2 },
    async install() {
      await utils.migrate();
    },
    async insert(inputs, runAt) {
      await utils.addJobs(inputs.map((payload) => ({ identifier: 'noop', payload, runAt })));
    },
    async add(input) {
      await utils.addJob('noop', input);
    },
    async work(handler, profile) {
      runner = await run({
        pgPool: pool,
        logger,
        noHandleSignals: true,
        parsedCronItems: [],
        taskList: { noop: (payload) => handler(payload) },
        preset: { worker: { concurrentJobs: 24, maxPoolSize: 25, ...profiles[profile] } },
      });
    },
    async remaining() {
      const { rows } = await pool.query('select count(*)::integer as n from graphile_worker._private_jobs');
      return rows[0].n;
    },
    async close() {
      await runner?.stop();
      await utils.release();
      await pool.end();
    },
  };
}
