import { defineSection } from '../../config/section.js';
import { choice, duration, integer, share, text, url } from '../../config/setting.js';
import { parseHeaders } from './target.js';

export const tracingSection = defineSection({
  name: 'tracing',
  settings: {
    tracing: choice({
      env: 'SIGNALBOX_TRACING',
      help: 'Whether spans are recorded: on, off, or auto for on when there is a collector to send them to.',
      fallback: 'auto',
      words: ['auto', 'on', 'off'],
    }),
    endpoint: url({
      env: ['OTEL_EXPORTER_OTLP_ENDPOINT', 'OTLP_ENDPOINT'],
      help: 'OpenTelemetry collector that spans are sent to over OTLP/HTTP; /v1/traces is added.',
      fallback: undefined,
      schemes: ['http', 'https'],
      secret: true,
    }),
    tracesEndpoint: url({
      env: 'OTEL_EXPORTER_OTLP_TRACES_ENDPOINT',
      help: 'The same for spans alone: the address as it is.',
      fallback: undefined,
      schemes: ['http', 'https'],
      secret: true,
    }),
    headers: text({
      env: ['OTEL_EXPORTER_OTLP_HEADERS', 'OTLP_HEADERS'],
      help: 'Headers for the collector, as name=value separated by commas; values may be percent-encoded.',
      fallback: undefined,
      secret: true,
    }),
    sampleRate: share({
      env: ['OTEL_TRACES_SAMPLER_ARG', 'SENTRY_TRACES_SAMPLE_RATE'],
      help: 'Share of the traces that begin here and are recorded whole, 0 to 1; spans of failures always are. Whoever sends a traceparent decides for theirs.',
      fallback: 0.1,
    }),
    perSecond: integer({
      env: 'SIGNALBOX_TRACES_RATE',
      help: 'Attempts of jobs that a process records each second at most, whatever share is sampled; failures and sends have as much of their own.',
      fallback: 200,
      min: 1,
      max: 1_000_000,
    }),
    serviceName: text({
      env: 'OTEL_SERVICE_NAME',
      help: 'Name of this service in its traces.',
      fallback: 'signalbox',
      maxLength: 100,
    }),
    keepMs: duration({
      env: 'SIGNALBOX_TRACES_KEEP',
      help: 'How long spans of jobs stay in the database for the console; 0 stores none.',
      fallback: 3 * 86_400_000,
      maxMs: 30 * 86_400_000,
    }),
  },
  check: ({ headers, endpoint, tracesEndpoint }) => [
    ...(headers !== undefined && parseHeaders(headers) === undefined
      ? ['OTEL_EXPORTER_OTLP_HEADERS must be name=value pairs separated by commas']
      : []),
    ...(headers !== undefined && (endpoint ?? tracesEndpoint) === undefined
      ? ['OTEL_EXPORTER_OTLP_HEADERS is set, and OTEL_EXPORTER_OTLP_ENDPOINT is not']
      : []),
  ],
});
