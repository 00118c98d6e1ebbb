import { drainBy, drainOf } from '../lib/drain.mjs';

const boundMs = 900_000;
const inADayMs = 86_400_000;

/** Our drain of 500,000 among 100,000 scheduled and 1,000,000 finished jobs, against that of empty tables. */
export const drainWithHistory = {
  name: 'drain-with-history',
  contenders: ['signalbox'],
  run: async (stage, name) => {
    const count = stage.size(500_000);
    const empty = await drainOf(stage, name, { count, boundMs });
    const full = await stage.with(name, async ({ start, settle }) => {
      const filler = await start();
      const past = stage.size(1_000_000);
      await filler.call('bulk', { count: past }, boundMs);
      // The history is made by running it: rows written by hand would age as no real table does.
      const historian = await start();
      await drainBy(historian, { count: past, boundMs });
      await historian.stop();
      await filler.call('bulk', { count: stage.size(100_000), runInMs: inADayMs }, boundMs);
      await filler.call('bulk', { count }, boundMs);
      await filler.stop();
      await settle();
      return drainBy(await start(), { count, boundMs });
    });
    return { empty: empty.rate, full: full.rate };
  },
  rows: [
    {
      measure: 'drain-with-history',
      unit: 'jobs/s',
      better: 'higher',
      goal: 0.8,
      acceptedFrom: 0.8,
      judgedBy: 'ratio',
      take: ({ full }) => full,
      baselines: { 'signalbox, empty tables': ({ empty }) => empty },
    },
  ],
};
