import { counter, gauge, names, words } from '../declaration.js';

const writer = 'src/telemetry/metrics/process';

/** Of this process itself. Beside them are `process_*` and `nodejs_*`, which prom-client declares and reads. */
export const processMetrics = Object.freeze({
  buildInfo: gauge({
    name: 'signalbox_build_info',
    help: 'Always 1; the labels say what runs.',
    unit: null,
    labels: { version: names('one: that of this build', 1), node: names('one: that of Node', 1) },
    writer,
    scope: 'process',
  }),
  eventLoopLag: gauge({
    name: 'signalbox_event_loop_lag_seconds',
    help: 'By how much the event loop was late, measured all the time: of each ten seconds its median, its 99th percentile and the most, the worst of the last three.',
    unit: 'seconds',
    labels: { percentile: words('50', '99', '100') },
    writer,
    scope: 'process',
  }),
  poolSize: gauge({
    name: 'signalbox_db_pool_size',
    help: 'Connections that the pool may hold.',
    unit: null,
    labels: {},
    writer,
    scope: 'process',
  }),
  poolInUse: gauge({
    name: 'signalbox_db_pool_in_use',
    help: 'Connections of the pool that somebody uses.',
    unit: null,
    labels: {},
    writer,
    scope: 'process',
  }),
  poolWaiting: gauge({
    name: 'signalbox_db_pool_waiting',
    help: 'Callers that wait for a connection of the pool.',
    unit: null,
    labels: {},
    writer,
    scope: 'process',
  }),
  scrapes: counter({
    name: 'signalbox_metrics_scrapes_total',
    help: 'Times that the metrics of this process were written.',
    unit: null,
    labels: { format: words('prometheus', 'openmetrics') },
    writer,
    scope: 'process',
  }),
});
