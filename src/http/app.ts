import type { IncomingMessage, ServerResponse } from 'node:http';
import multipart from '@fastify/multipart';
import fastify, {
  type FastifyBaseLogger,
  type FastifyInstance,
  type FastifyReply,
  type FastifyRequest,
  type RawServerDefault,
} from 'fastify';
import type { ZodTypeProvider } from 'fastify-type-provider-zod';
import type { Logger } from '../foundation/logger.js';
import type { Authenticator } from '../identity/authenticator.js';
import type { MetricRegistry } from '../telemetry/metrics/registry.js';
import type { Tracing } from '../telemetry/tracing/tracing.js';
import { answerCompiler } from './answers.js';
import { answerClientError } from './client-error.js';
import { answerRouterError, installErrorAnswers, refuseUnknownRoute } from './error-answers.js';
import { formMediaTypes, isForm, parseUrlEncoded, readForm } from './form.js';
import { installGuard, permissionOf } from './guard.js';
import { stampHeaders } from './headers.js';
import { parseJsonBody } from './json-body.js';
import { defaultLimits, type HttpLimits } from './limits.js';
import { installLinger } from './linger.js';
import { HttpMeter } from './metrics.js';
import { installOpenApi, pluginPermission } from './openapi.js';
import { requestIdOf } from './request-id.js';
import { installRequestLog, logFieldsOf } from './request-log.js';
import { assertDeclaredBody, assertDeclaredQuery, assertMediaType, assertUrlText } from './request-shape.js';
import { installRequestStatistics, RequestStatistics } from './request-statistics.js';
import { RouteTable } from './routes.js';
import { installShutdown } from './shutdown.js';
import { EventStreams } from './sse.js';
import { assertStrict } from './strictness.js';
import { installTracing } from './tracing.js';
import { validatorCompiler } from './validation.js';

/** Fastify, with zod schemas as the source of validation, types and OpenAPI. */
export type HttpApp = FastifyInstance<
  RawServerDefault,
  IncomingMessage,
  ServerResponse,
  FastifyBaseLogger,
  ZodTypeProvider
>;

declare module 'fastify' {
  interface FastifyInstance {
    readonly routeTable: RouteTable;
    readonly eventStreams: EventStreams;
    readonly limits: HttpLimits;
    readonly requestStatistics: RequestStatistics;
  }
}

export interface HttpOptions {
  readonly logger: Logger;
  readonly authenticator: Authenticator;
  /** Version of the product, for the OpenAPI description. */
  readonly version: string;
  readonly limits?: Partial<HttpLimits>;
  /** Where requests are counted; it declares `httpMetrics`. Unset: nowhere. */
  readonly metrics?: MetricRegistry;
  /** Where its spans go. Unset: nowhere. */
  readonly tracing?: Tracing | undefined;
  /** Checks every answer against its schema, those of `assured` schemas too. For tests: it is dear. */
  readonly checkAnswers?: boolean;
}

/**
 * An HTTP application without routes of its own, but for `/openapi.json` and `/docs`. Routes are registered
 * on it, then `listen` or `inject`; `close()` ends it in order.
 * Registering throws a TypeError for a route without permission or with a schema that is not strict.
 */
export async function createHttpApp(options: HttpOptions): Promise<HttpApp> {
  const limits: HttpLimits = Object.freeze({ ...defaultLimits, ...options.limits });
  const meter = options.metrics === undefined ? undefined : new HttpMeter(options.metrics);
  const app = bare(limits, meter);
  meter?.install(app);
  app.decorate('limits', limits);
  app.decorate('requestStatistics', new RequestStatistics());
  app.decorate('routeTable', new RouteTable());
  app.decorate('eventStreams', new EventStreams(limits.streams));
  app.setValidatorCompiler(validatorCompiler);
  app.setSerializerCompiler(answerCompiler(options.checkAnswers ?? false));
  app.addHook('onRoute', (route) => {
    const permission = pluginPermission(route.url) ?? permissionOf(route);
    route.config = { ...route.config, permission };
    for (const part of ['params', 'querystring', 'body'] as const) {
      const schema = route.schema?.[part];
      if (schema !== undefined) assertStrict(`${part} of ${String(route.method)} ${route.url}`, schema);
    }
    app.routeTable.add(route, permission);
  });
  installTracing(app, options.tracing);
  installRequestLog(app, options.logger);
  installErrorAnswers(app);
  installShutdown(app, limits, options.logger);
  // Hooks that wait for nothing call back: an async one costs every request a promise and a turn of the queue.
  app.addHook('onRequest', (request, _reply, done) => {
    refuseUnknownRoute(request);
    done();
  });
  installGuard(app, options.authenticator);
  app.addHook('onRequest', (request, _reply, done) => {
    const { schema } = request.routeOptions;
    assertUrlText(request);
    assertMediaType(request, schema);
    assertDeclaredQuery(request, schema);
    done();
  });
  await installBodies(app, limits);
  app.addHook('preValidation', (request, _reply, done) => {
    const { config, schema } = request.routeOptions;
    if (config.form !== true || !isForm(request)) {
      assertDeclaredBody(request, schema);
      done();
      return;
    }
    readForm(request, limits)
      .then((fields) => {
        request.body = fields;
        assertDeclaredBody(request, schema);
      })
      .then(() => done(), done);
  });
  installLinger(app, limits.lingerMs);
  app.addHook('onSend', (request, reply, _payload, done) => {
    stampHeaders(request, reply);
    done();
  });
  installRequestStatistics(app);
  app.addHook('onResponse', (request, reply, done) => {
    logAccess(options.logger, request, reply);
    done();
  });
  await installOpenApi(app, options.version);
  return app;
}

function bare(limits: HttpLimits, meter: HttpMeter | undefined): HttpApp {
  return fastify({
    logger: false,
    http: {
      maxHeaderSize: limits.headerBytes,
      headersTimeout: limits.headersMs,
      connectionsCheckingInterval: 1_000,
    },
    bodyLimit: limits.bodyBytes,
    connectionTimeout: limits.idleMs,
    requestTimeout: limits.requestMs,
    keepAliveTimeout: limits.keepAliveMs,
    routerOptions: { maxParamLength: limits.pathPartLength },
    genReqId: requestIdOf,
    requestIdHeader: false,
    return503OnClosing: false,
    clientErrorHandler: (error, socket) => {
      const status = answerClientError(error, socket);
      if (status !== undefined) meter?.malformed(status);
    },
    frameworkErrors: (error, request, reply) => {
      meter?.watch(request, reply);
      answerRouterError(error, request, reply);
    },
  }).withTypeProvider<ZodTypeProvider>();
}

async function installBodies(app: HttpApp, limits: HttpLimits): Promise<void> {
  const [, urlEncoded] = formMediaTypes;
  app.removeAllContentTypeParsers();
  app.addContentTypeParser(
    'application/json',
    { parseAs: 'buffer' },
    (_request: FastifyRequest, body: Buffer, done) => done(null, parseJsonBody(body, limits.jsonDepth)),
  );
  app.addContentTypeParser(
    urlEncoded,
    { parseAs: 'buffer', bodyLimit: limits.formBytes },
    async (_request: FastifyRequest, body: Buffer) => parseUrlEncoded(body, limits),
  );
  // Routes that stream files raise these for themselves; nothing may rest on the defaults of the parser.
  await app.register(multipart, {
    limits: {
      fieldNameSize: 100,
      fieldSize: limits.formBytes,
      fields: limits.formFields,
      files: 1,
      fileSize: limits.bodyBytes,
      parts: limits.formFields + 1,
      headerPairs: 20,
    },
  });
}

function logAccess(logger: Logger, request: FastifyRequest, reply: FastifyReply): void {
  const { url, config } = request.routeOptions;
  const fields = {
    ...logFieldsOf(request),
    method: request.method,
    // The template: a path would put ids and whatever strangers try into every index of the log.
    route: url ?? null,
    status: reply.statusCode,
    ms: Math.round(reply.elapsedTime * 10) / 10,
    principal: request.principal?.id ?? null,
  };
  if (config.permission === 'public') logger.debug(fields, 'answered');
  else logger.info(fields, 'answered');
}
