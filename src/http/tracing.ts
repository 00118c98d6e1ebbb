import { ROOT_CONTEXT, type Span, SpanKind, SpanStatusCode, trace } from '@opentelemetry/api';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { randomHex } from '../foundation/ids.js';
import { traceFieldsOf } from '../foundation/trace-parent.js';
import { isSampled, wasSampled } from '../telemetry/tracing/sampling.js';
import { type Tracing, traceParentOf } from '../telemetry/tracing/tracing.js';
import type { HttpApp } from './app.js';

declare module 'fastify' {
  interface FastifyRequest {
    /** W3C context for what the request sets off: of its own span, or as the caller sent it. */
    traceParent: string | undefined;
  }
}

/**
 * Makes a span of each request that is sampled or fails with 500 or above; not of those that watch the process.
 * Without `tracing` the caller's context is passed on as it came.
 */
export function installTracing(app: HttpApp, tracing: Tracing | undefined): void {
  const spans = new WeakMap<FastifyRequest, Span>();
  app.decorateRequest('traceParent', undefined);
  app.addHook('onRequest', (request, _reply, done) => {
    const { traceparent } = request.headers;
    const parent = traceFieldsOf(traceparent);
    if (parent !== undefined && typeof traceparent === 'string')
      request.traceParent = traceparent.slice(0, 55);
    if (tracing === undefined || request.routeOptions.config.watches === true) return done();
    const traceId = parent?.trace_id ?? randomHex(16);
    const { traceParent } = request;
    const sampled = traceParent === undefined ? isSampled(traceId, tracing.rate) : wasSampled(traceParent);
    if (!sampled) return done();
    const span = startSpan(tracing, request, traceId, parent?.span_id, Date.now());
    spans.set(request, span);
    request.traceParent = traceParentOf(span);
    tracing.within(trace.setSpan(ROOT_CONTEXT, span), done);
  });
  // Again, because what is read from the socket comes outside the context.
  app.addHook('preValidation', (request, _reply, done) => {
    const span = spans.get(request);
    if (tracing === undefined || span === undefined) done();
    else tracing.within(trace.setSpan(ROOT_CONTEXT, span), done);
  });
  app.addHook('onResponse', (request, reply, done) => {
    const failed = reply.statusCode >= 500 && request.routeOptions.config.watches !== true;
    const span = spans.get(request) ?? (failed && tracing ? failedSpan(tracing, request, reply) : undefined);
    if (span !== undefined) {
      span.setAttribute('http.response.status_code', reply.statusCode);
      if (failed) {
        span.setAttribute('error.type', String(reply.statusCode));
        span.setStatus({ code: SpanStatusCode.ERROR });
      }
      span.end();
    }
    done();
  });
}

function failedSpan(tracing: Tracing, request: FastifyRequest, reply: FastifyReply): Span {
  const parent = traceFieldsOf(request.traceParent);
  const traceId = parent?.trace_id ?? randomHex(16);
  return startSpan(tracing, request, traceId, parent?.span_id, Date.now() - reply.elapsedTime);
}

function startSpan(
  tracing: Tracing,
  request: FastifyRequest,
  traceId: string,
  parentId: string | undefined,
  startedAt: number,
): Span {
  const { url: route } = request.routeOptions;
  return tracing.startPlanned({
    traceId,
    spanId: randomHex(8),
    parentId,
    name: route === undefined ? request.method : `${request.method} ${route}`,
    kind: SpanKind.SERVER,
    startedAt,
    attributes: {
      'http.request.method': request.method,
      ...(route === undefined ? {} : { 'http.route': route }),
      'url.scheme': 'http',
      'network.protocol.version': request.raw.httpVersion,
      'signalbox.request_id': request.id,
    },
  });
}
