import { drainOf } from '../lib/drain.mjs';
import { everybody } from '../systems/index.mjs';

/** Processor time of the worker's process, its start and driver included, per no-op job. */
export const nodeTimePerJob = {
  name: 'node-time-per-job',
  contenders: everybody,
  run: (stage, name) => drainOf(stage, name, { count: stage.size(200_000), boundMs: 600_000 }),
  rows: [
    {
      measure: 'node-time-per-job',
      unit: 'µs',
      better: 'lower',
      goal: 20,
      acceptedFrom: 20,
      judgedBy: 'value',
      take: ({ cpuUsPerJob }) => cpuUsPerJob,
    },
  ],
};
