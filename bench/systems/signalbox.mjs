import { z } from 'zod';
import { Database, Engine, engineMigrations, migrateUp, task } from '../../dist/index.js';
import { quiet } from '../lib/quiet.mjs';

const input = z.strictObject({ n: z.number(), to: z.string(), at: z.number().optional() });

/** The third parameter: what observes it: hooks, middleware and logger of its engine, and migrations of those who count. */
export async function open(
  { url },
  policy = {},
  { observers = () => ({}), logger = quiet, migrations = [] } = {},
) {
  const connection = {
    url,
    applicationName: 'bench-signalbox',
    connectTimeoutMs: 10_000,
    statementTimeoutMs: 120_000,
  };
  let handle = () => undefined;
  const noop = task({ name: 'bench.noop', input, run: async (job) => handle(job), ...policy });
  const database = new Database({ ...connection, poolSize: 16, logger: quiet });
  const engine = new Engine({ database, tasks: [noop], logger, ...observers(database) });
  let worker;
  return {
    engine,
    database,
    bulk: { chunk: 5_000, lanes: 3 },
    async install() {
      await migrateUp({ connection, folders: [engineMigrations, ...migrations], logger: quiet });
    },
    async insert(inputs, runAt) {
      const options = runAt === undefined ? {} : { options: { runAt } };
      await engine.enqueueMany(
        noop,
        inputs.map((one) => ({ input: one, ...options })),
      );
    },
    async add(one) {
      await engine.enqueue(noop, one);
    },
    async work(handler) {
      handle = handler;
      await engine.start();
      worker = engine.createWorker({
        queues: null,
        concurrency: 32,
        leaseMs: 10_000,
        drainTimeoutMs: 5_000,
      });
      await worker.start();
    },
    async remaining() {
      const { queued, processing, retrying } = await engine.jobs.counts();
      return queued + processing + retrying;
    },
    async close() {
      if (worker !== undefined) {
        await worker.stop();
        await engine.stop();
      }
      await database.close();
    },
  };
}
