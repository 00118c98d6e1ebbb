import { drainOf } from '../lib/drain.mjs';

/** A drain with everything on that watches it, against the same without. */
export const overhead = {
  name: 'overhead',
  contenders: ['signalbox'],
  run: async (stage) => {
    const options = { count: stage.size(200_000), boundMs: 300_000 };
    const plain = await drainOf(stage, 'signalbox', options);
    const observed = await drainOf(stage, 'signalbox-observed', options);
    const traced = await drainOf(stage, 'signalbox-traced', options);
    return { plain: plain.rate, observed: observed.rate, traced: traced.rate };
  },
  rows: [
    {
      measure: 'overhead',
      unit: 'jobs/s',
      better: 'higher',
      goal: 0.9,
      acceptedFrom: 0.9,
      judgedBy: 'ratio',
      take: ({ observed }) => observed,
      baselines: { 'signalbox, unobserved': ({ plain }) => plain },
    },
    {
      measure: 'overhead with a tenth of the traces',
      unit: 'jobs/s',
      better: 'higher',
      goal: 0.9,
      acceptedFrom: 0.9,
      judgedBy: 'ratio',
      take: ({ traced }) => traced,
      baselines: { 'signalbox, unobserved': ({ plain }) => plain },
    },
  ],
};
