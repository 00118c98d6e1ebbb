import { percentile } from '../lib/statistics.mjs';
import { everybody, postgresPeers } from '../systems/index.mjs';

/** From the call of enqueue in one process to the start of the handler in another, nothing else going on. */
export const idleLatency = {
  name: 'idle-latency',
  quick: true,
  contenders: everybody,
  run: (stage, name, { quick }) =>
    stage.with(name, async ({ start, settle }) => {
      const producer = await start();
      const worker = await start();
      await settle();
      await worker.call('work', { profile: 'latency' });
      const warmUp = 20;
      await producer.call('trickle', { count: warmUp });
      await worker.call('delays', { count: warmUp, boundMs: 30_000 });
      const count = quick ? 100 : stage.size(1_000);
      await producer.call('trickle', { count }, 120_000);
      const { delays } = await worker.call('delays', { count, boundMs: 30_000 });
      return { p50: percentile(delays, 0.5), p99: percentile(delays, 0.99) };
    }),
  rows: [
    {
      measure: 'idle-latency-p50',
      unit: 'ms',
      better: 'lower',
      goal: 2,
      acceptedFrom: 2,
      judgedBy: 'ratio',
      opponents: postgresPeers,
      take: ({ p50 }) => p50,
    },
    {
      measure: 'idle-latency-p99',
      unit: 'ms',
      better: 'lower',
      goal: 1,
      acceptedFrom: 1,
      judgedBy: 'ratio',
      opponents: postgresPeers,
      take: ({ p99 }) => p99,
    },
  ],
};
