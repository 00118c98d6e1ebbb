import { drainOf } from '../lib/drain.mjs';

/** A drain of 50,000 jobs with 10,000 keys of which one may run at a time, against the same without keys. */
export const keys = {
  name: 'keys',
  contenders: ['signalbox'],
  run: async (stage) => {
    const options = { count: stage.size(50_000), boundMs: 300_000 };
    const plain = await drainOf(stage, 'signalbox', options);
    const keyed = await drainOf(stage, 'signalbox-keyed', options);
    if (keyed.violations > 0) throw new Error(`a limit was exceeded ${keyed.violations} times`);
    return { plain: plain.rate, keyed: keyed.rate };
  },
  rows: [
    {
      measure: 'keys',
      unit: 'jobs/s',
      better: 'higher',
      goal: 0.35,
      acceptedFrom: 0.35,
      judgedBy: 'ratio',
      take: ({ keyed }) => keyed,
      baselines: { 'signalbox, no keys': ({ plain }) => plain },
    },
  ],
};
