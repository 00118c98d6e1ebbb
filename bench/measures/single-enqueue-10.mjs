import { singleEnqueue } from '../lib/single-enqueue.mjs';
import { everybody, postgresPeers } from '../systems/index.mjs';

/** BullMQ's figure is shown and not judged: it answers before its disk has the job. */
export const singleEnqueue10 = {
  name: 'single-enqueue-10',
  quick: true,
  contenders: everybody,
  run: singleEnqueue({ callers: 10 }),
  rows: [
    {
      measure: 'single-enqueue-10',
      unit: 'jobs/s',
      better: 'higher',
      goal: 8,
      acceptedFrom: 8,
      judgedBy: 'ratio',
      opponents: postgresPeers,
      take: ({ rate }) => rate,
    },
  ],
};
