import type { FastifyReply, FastifyRequest } from 'fastify';
import { messageOf, type SignalboxError } from '../foundation/errors.js';
import type { HttpApp } from './app.js';
import { fieldsInvalid, httpErrors } from './errors.js';
import { typedError } from './foreign-errors.js';
import { stampHeaders } from './headers.js';
import { problemMediaType, toProblem } from './problem.js';
import { decoded } from './request-shape.js';

/** Every error leaves as a problem; what is our fault is logged with the id under which the caller got it. */
export function installErrorAnswers(app: HttpApp): void {
  app.setErrorHandler((thrown, request, reply) => {
    const error = typedError(thrown);
    if (error.status >= 500) logFault(request, error);
    return sendProblem(request, reply, error);
  });
  app.setNotFoundHandler((request) => {
    throw unknownRoute(request);
  });
}

/** Before anything else of a request is looked at, its body least of all. @throws route_not_found, method_not_allowed */
export function refuseUnknownRoute(request: FastifyRequest): void {
  if (request.is404) throw unknownRoute(request);
}

/** The router's own refusals come before any hook: they are answered here, with the same headers. */
export function answerRouterError(thrown: unknown, request: FastifyRequest, reply: FastifyReply): void {
  const path = pathOf(request);
  const { pathPartLength } = request.server.limits;
  const found = typedError(thrown);
  const named = (
    isBad: (encoded: string) => boolean,
    message: string,
    build: typeof httpErrors.url_too_long,
  ) => fieldsInvalid(request.server.routeTable.problemsIn(path, isBad, message), build);
  const error =
    found.code === 'encoding_invalid'
      ? named(
          (text) => decoded(text) === undefined,
          'is not validly percent-encoded UTF-8',
          httpErrors.encoding_invalid,
        )
      : found.code === 'url_too_long'
        ? named(
            (text) => text.length > pathPartLength,
            `must have at most ${pathPartLength} characters`,
            httpErrors.url_too_long,
          )
        : found;
  // No hook runs on this way out.
  stampHeaders(request, reply);
  request.server.requestStatistics.count(error.status, reply.elapsedTime);
  sendProblem(request, reply, error);
}

function sendProblem(request: FastifyRequest, reply: FastifyReply, error: SignalboxError): FastifyReply {
  if (error.status === 401) {
    const invalid = error.code === 'credentials_invalid' ? ', error="invalid_token"' : '';
    reply.header('www-authenticate', `Bearer realm="signalbox"${invalid}`);
  }
  if (error.code === 'method_not_allowed') {
    reply.header('allow', request.server.routeTable.methodsFor(pathOf(request)).join(', '));
  }
  if (error.retryAfterSeconds !== undefined)
    reply.header('retry-after', String(Math.ceil(error.retryAfterSeconds)));
  // Serialised here, past the route's response schemas: the answer to an error must not be able to fail.
  return reply
    .code(error.status)
    .type(problemMediaType)
    .serializer((problem: unknown) => JSON.stringify(problem))
    .send(toProblem(error, request.id));
}

function unknownRoute(request: FastifyRequest): SignalboxError {
  const methods = request.server.routeTable.methodsFor(pathOf(request));
  if (methods.length === 0) return httpErrors.route_not_found('There is nothing at this path.');
  return httpErrors.method_not_allowed(`This path takes ${methods.join(', ')}.`);
}

function pathOf(request: FastifyRequest): string {
  return request.raw.url?.split('?')[0] ?? '/';
}

function logFault(request: FastifyRequest, error: SignalboxError): void {
  const { cause } = error;
  request.logger.error(
    {
      method: request.method,
      route: request.routeOptions.url ?? null,
      code: error.code,
      error: error.message,
      ...(cause === undefined ? {} : { cause: messageOf(cause) }),
      stack: cause instanceof Error ? cause.stack : error.stack,
    },
    'a request failed',
  );
}
