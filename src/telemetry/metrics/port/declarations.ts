import { gauge } from '../declaration.js';

const common = {
  unit: 'seconds',
  labels: {},
  writer: 'src/telemetry/metrics/port',
  scope: 'process',
} as const;

/** Only on METRICS_PORT: what its thread knows beside what the main thread has handed to it. */
export const portMetrics = Object.freeze({
  age: gauge({
    ...common,
    name: 'signalbox_metrics_age_seconds',
    help: 'How old the other values of this answer are, on METRICS_PORT; +Inf when there are none yet.',
  }),
  unresponsive: gauge({
    ...common,
    name: 'signalbox_main_loop_unresponsive_seconds',
    help: 'For how long the event loop of the process has not had a turn, as its metrics thread sees it; 0 while it has.',
  }),
});
