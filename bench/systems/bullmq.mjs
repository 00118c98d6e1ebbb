import { Queue, Worker } from 'bullmq';
import { Redis } from 'ioredis';

const name = 'noop';

export async function open({ port }) {
  const connect = (options) => new Redis({ host: '127.0.0.1', port, maxRetriesPerRequest: null, ...options });
  const forQueue = connect({ enableAutoPipelining: true });
  const queue = new Queue(name, { connection: forQueue });
  let worker;
  let forWorker;
  return {
    bulk: { chunk: 1_000, lanes: 1 },
    async install() {
      await queue.waitUntilReady();
    },
    async insert(inputs, runAt) {
      const opts = runAt === undefined ? {} : { delay: Math.max(0, runAt.getTime() - Date.now()) };
      await queue.addBulk(inputs.map((data) => ({ name, data, opts })));
    },
    async add(input) {
      await queue.add(name, input);
    },
    async work(handler) {
      forWorker = connect({});
      worker = new Worker(name, async (job) => handler(job.data), {
        connection: forWorker,
        concurrency: 100,
      });
      // Without a listener its errors would end the process; the measure's own bound reports them.
      worker.on('error', () => undefined);
      await worker.waitUntilReady();
    },
    async remaining() {
      const counts = await queue.getJobCounts('wait', 'active', 'prioritized', 'paused');
      return Object.values(counts).reduce((sum, n) => sum + n, 0);
    },
    async close() {
      await worker?.close(true);
      await queue.close();
      forWorker?.disconnect();
      forQueue.disconnect();
    },
  };
}
