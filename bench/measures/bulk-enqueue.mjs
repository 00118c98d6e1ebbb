import { everybody } from '../systems/index.mjs';

const boundMs = 120_000;

/** 50,000 jobs into an empty store, in the chunks that each system likes best. */
export const bulkEnqueue = {
  name: 'bulk-enqueue',
  quick: true,
  contenders: everybody,
  run: (stage, name) =>
    stage.with(name, async ({ start, settle }) => {
      const producer = await start();
      await settle();
      const count = stage.size(50_000);
      // Warm code and warm connections: a service enqueues in bulk more than once.
      await producer.call('bulk', { count: stage.size(2_000) }, boundMs);
      const { ms } = await producer.call('bulk', { count }, boundMs);
      return { rate: (count * 1_000) / ms };
    }),
  rows: [
    {
      measure: 'bulk-enqueue',
      unit: 'jobs/s',
      better: 'higher',
      goal: 5,
      acceptedFrom: 3,
      judgedBy: 'ratio',
      take: ({ rate }) => rate,
    },
  ],
};
