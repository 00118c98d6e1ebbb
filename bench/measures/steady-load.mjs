import { setTimeout as sleep } from 'node:timers/promises';
import { median } from '../lib/statistics.mjs';

const minutes = 10;
/** Jobs that wait at any time: enough to keep the worker busy, too few to be a drain. */
const backlog = 10_000;

/** Ten minutes of a worker that never runs dry: rate of the last two minutes against that of the second and third. */
export const steadyLoad = {
  name: 'steady-load',
  contenders: ['signalbox'],
  maxRounds: 1,
  run: (stage, name) =>
    stage.with(name, async ({ start }) => {
      const minuteMs = stage.size(60_000);
      const producer = await start();
      const worker = await start();
      await worker.call('work', { profile: 'throughput' });
      const first = await worker.call('handled');
      const rates = [];
      let added = 0;
      let last = first;
      while (last.at - first.at < minutes * minuteMs) {
        const due = last.at + minuteMs / 12;
        let now = last;
        while (now.at < due) {
          const missing = backlog - (added - now.handled);
          if (missing >= backlog / 10) {
            await producer.call('bulk', { count: missing });
            added += missing;
          } else await sleep(20);
          now = await worker.call('handled');
        }
        rates.push({
          minute: (last.at - first.at) / minuteMs,
          rate: ((now.handled - last.handled) * 1_000) / (now.at - last.at),
        });
        last = now;
      }
      const between = (from, to) =>
        median(rates.filter(({ minute }) => minute >= from && minute < to).map(({ rate }) => rate));
      return { early: between(1, 3), late: between(minutes - 2, minutes) };
    }),
  rows: [
    {
      measure: 'steady-load',
      unit: 'jobs/s',
      better: 'higher',
      goal: 0.9,
      acceptedFrom: 0.9,
      judgedBy: 'ratio',
      take: ({ late }) => late,
      baselines: { 'signalbox, minutes 2 and 3': ({ early }) => early },
    },
  ],
};
