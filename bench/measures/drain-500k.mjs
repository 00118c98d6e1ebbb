import { drainOf } from '../lib/drain.mjs';
import { everybody } from '../systems/index.mjs';

export const drain500k = {
  name: 'drain-500k',
  contenders: everybody,
  run: (stage, name) => drainOf(stage, name, { count: stage.size(500_000), boundMs: 900_000 }),
  rows: [
    {
      measure: 'drain-500k',
      unit: 'jobs/s',
      better: 'higher',
      goal: 5,
      acceptedFrom: 3,
      judgedBy: 'ratio',
      take: ({ rate }) => rate,
    },
  ],
};
