const boundMs = 1_200_000;

/** Resident memory of the worker's process after 1,000,000 jobs, against that after 200,000; garbage collected. */
export const memory = {
  name: 'memory',
  contenders: ['signalbox'],
  maxRounds: 1,
  run: (stage, name) =>
    stage.with(name, async ({ start, settle }) => {
      const first = stage.size(200_000);
      const rest = stage.size(800_000);
      const filler = await start();
      await filler.call('bulk', { count: first }, boundMs);
      await settle();
      const worker = await start({ gc: true });
      const warm = worker.call('handle', { count: first, boundMs }, boundMs + 10_000);
      await Promise.all([worker.call('work', { profile: 'throughput' }), warm]);
      const early = await worker.call('memory');
      const all = worker.call('handle', { count: rest, boundMs }, boundMs + 10_000);
      await Promise.all([filler.call('bulk', { count: rest }, boundMs), all]);
      const late = await worker.call('memory');
      return { early: early.rss / 2 ** 20, late: late.rss / 2 ** 20 };
    }),
  rows: [
    {
      measure: 'memory',
      unit: 'MiB',
      better: 'lower',
      goal: 1,
      // Flat within what the collector leaves lying about.
      acceptedFrom: 0.9,
      judgedBy: 'ratio',
      take: ({ late }) => late,
      baselines: { 'signalbox, after 200,000 jobs': ({ early }) => early },
    },
  ],
};
