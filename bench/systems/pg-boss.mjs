import pg from 'pg';
import { PgBoss } from 'pg-boss';

const queue = 'noop';

export async function open({ url }) {
  const boss = new PgBoss({ connectionString: url, max: 16, useListenNotify: true });
  let fault = '';
  boss.on('error', (error) => {
    fault = error.message;
  });
  const pool = new pg.Pool({ connectionString: url, max: 1 });
  pool.on('error', () => undefined);
  await boss.start();
  return {
    bulk: { chunk: 1_000, lanes: 2 },
    async install() {
      await boss.createQueue(queue, { notify: true });
    },
    async insert(inputs, runAt) {
      await boss.insert(
        queue,
        inputs.map((data) => ({ data, startAfter: runAt })),
      );
    },
    async add(input) {
      await boss.send(queue, input);
    },
    async work(handler) {
      // Its defaults fetch one job every two seconds: these are what makes it fast.
      const options = {
        batchSize: 5_000,
        localConcurrency: 2,
        burstWhenBatchFull: true,
        pollingIntervalSeconds: 0.5,
        notifyPollingIntervalSeconds: 0.5,
      };
      await boss.work(queue, options, async (jobs) => {
        for (const job of jobs) handler(job.data);
      });
    },
    async remaining() {
      if (fault !== '') throw new Error(fault);
      const { rows } = await pool.query(
        "select count(*)::integer as n from pgboss.job where state < 'completed'",
      );
      return rows[0].n;
    },
    async close() {
      await boss.stop({ graceful: false, close: true });
      await pool.end();
    },
  };
}
