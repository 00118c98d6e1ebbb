import { singleEnqueue } from '../lib/single-enqueue.mjs';
import { everybody } from '../systems/index.mjs';

/** Against BullMQ, which does not wait for its disk. */
export const singleEnqueue64 = {
  name: 'single-enqueue-64',
  quick: true,
  contenders: everybody,
  run: singleEnqueue({ callers: 64 }),
  rows: [
    {
      measure: 'single-enqueue-64',
      unit: 'jobs/s',
      better: 'higher',
      goal: 1,
      acceptedFrom: 1,
      judgedBy: 'ratio',
      strictly: true,
      opponents: ['bullmq'],
      take: ({ rate }) => rate,
    },
  ],
};
