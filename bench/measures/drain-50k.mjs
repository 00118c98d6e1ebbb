import { drainOf } from '../lib/drain.mjs';
import { everybody } from '../systems/index.mjs';

export const drain50k = {
  name: 'drain-50k',
  quick: true,
  contenders: everybody,
  run: (stage, name, { quick }) =>
    drainOf(stage, name, { count: stage.size(50_000), boundMs: quick ? 180_000 : 300_000 }),
  rows: [
    {
      measure: 'drain-50k',
      unit: 'jobs/s',
      better: 'higher',
      goal: 5,
      acceptedFrom: 3,
      judgedBy: 'ratio',
      take: ({ rate }) => rate,
    },
  ],
};
