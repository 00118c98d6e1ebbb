import { counter, words } from '../metrics/declaration.js';
import type { MetricRegistry } from '../metrics/registry.js';

export const spanMetrics = Object.freeze({
  spans: counter({
    name: 'signalbox_spans_total',
    help: 'Spans by what became of them: written; full: no room while the other end was slow; failed: it refused them or was away; stopped: left when the process ended.',
    unit: null,
    labels: {
      sink: words('collector', 'database'),
      result: words('written', 'full', 'failed', 'stopped'),
    },
    writer: 'src/telemetry/tracing',
    scope: 'process',
  }),
  limited: counter({
    name: 'signalbox_spans_limited_total',
    help: 'Attempts and sends of sampled traces, and failures, that were not recorded because SIGNALBOX_TRACES_RATE had been reached.',
    unit: null,
    labels: {},
    writer: 'src/telemetry/tracing',
    scope: 'process',
  }),
});

/** Makes the counters, so that the first span that is lost already shows as a growth. */
export function expectSpans(registry: MetricRegistry): void {
  registry.counter(spanMetrics.limited).with({});
  const spans = registry.counter(spanMetrics.spans);
  const { sink, result } = spanMetrics.spans.labels;
  for (const to of sink.values) for (const what of result.values) spans.with({ sink: to, result: what });
}
