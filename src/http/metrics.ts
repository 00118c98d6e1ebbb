import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { counter, histogram, type LabelsOf, names, words } from '../telemetry/metrics/declaration.js';
import type { MetricRegistry } from '../telemetry/metrics/registry.js';
import type { CounterSeries, HistogramSeries } from '../telemetry/metrics/series.js';

const writer = 'src/http';
const methods = ['GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS', 'other'] as const;
type Method = (typeof methods)[number];

/** Paths that are no route share one value, and so does what was no request: what strangers try is not told. */
const unmatched = 'unmatched';
const malformed = 'malformed';
/** The client went away before it was answered; not a status that anybody was sent. */
const clientGone = '499';

const labels = {
  method: words(...methods),
  route: names('templates of the routes of this build, `unmatched` and `malformed`', 500),
  status: names('statuses that the routes and the error catalogue have, and 499', 60),
};

/** Of every request that reached the process, those that were refused before their route included. */
export const httpMetrics = Object.freeze({
  requests: counter({
    name: 'http_requests_total',
    help: 'Requests by route template and status; event streams when they end. 499: the client went away before the answer.',
    unit: null,
    labels,
    writer,
    scope: 'process',
  }),
  duration: histogram({
    name: 'http_request_duration_seconds',
    help: 'From the request line to the last byte of the answer. Event streams, and what was no request, are not in it.',
    unit: 'seconds',
    labels,
    buckets: [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2, 5, 10, 30],
    writer,
    scope: 'process',
  }),
});

interface RouteSeries {
  readonly labels: LabelsOf<(typeof httpMetrics)['requests']>;
  readonly requests: CounterSeries;
  /** Event streams have none. */
  duration?: HistogramSeries;
}

/** Counts requests. */
export class HttpMeter {
  readonly #registry: MetricRegistry;
  readonly #series = new Map<string, RouteSeries>();

  constructor(registry: MetricRegistry) {
    this.#registry = registry;
  }

  /** Before every other hook: what those refuse is counted as well. */
  install(app: FastifyInstance): void {
    app.addHook('onRequest', (request, reply, done) => {
      this.watch(request, reply);
      done();
    });
  }

  /** Also for what the router refuses, for which no hook runs. */
  watch(request: FastifyRequest, reply: FastifyReply): void {
    const begun = performance.now();
    // `close` comes after every answer, and also when there was none.
    reply.raw.once('close', () => this.#answered(request, reply, performance.now() - begun));
  }

  /** What Node could not read as a request. */
  malformed(status: number): void {
    const of = { method: 'other', route: malformed, status: String(status) } as const;
    this.#registry.counter(httpMetrics.requests).with(of).inc();
  }

  #answered(request: FastifyRequest, { raw }: FastifyReply, ms: number): void {
    const { method, routeOptions, is404 } = request;
    const route = is404 ? unmatched : (routeOptions.url ?? unmatched);
    const series = this.#of(method, route, raw.headersSent ? String(raw.statusCode) : clientGone);
    series.requests.inc();
    const stream = String(raw.getHeader('content-type') ?? '').startsWith('text/event-stream');
    if (stream) return;
    series.duration ??= this.#registry.histogram(httpMetrics.duration).with(series.labels);
    series.duration.observe(ms / 1_000);
  }

  #of(given: string, route: string, status: string): RouteSeries {
    const key = `${given} ${status} ${route}`;
    const known = this.#series.get(key);
    if (known !== undefined) return known;
    const method = (methods as readonly string[]).includes(given) ? (given as Method) : 'other';
    const of = { method, route, status };
    const series: RouteSeries = {
      labels: of,
      requests: this.#registry.counter(httpMetrics.requests).with(of),
    };
    this.#series.set(key, series);
    return series;
  }
}
