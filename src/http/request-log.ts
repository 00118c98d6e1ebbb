import type { FastifyInstance, FastifyRequest } from 'fastify';
import { type Logger, loggerWith } from '../foundation/logger.js';
import { type TraceFields, traceFieldsOf } from '../foundation/trace-parent.js';

declare module 'fastify' {
  interface FastifyRequest {
    /** Says with every line which request it is about. Fastify's own `log` writes nothing. */
    readonly logger: Logger;
  }
}

/** What every line about a request says. */
export interface RequestFields extends Partial<TraceFields> {
  readonly request_id: string;
}

export function logFieldsOf(request: Pick<FastifyRequest, 'id' | 'traceParent'>): RequestFields {
  return { ...traceFieldsOf(request.traceParent), request_id: request.id };
}

export function installRequestLog(app: FastifyInstance, logger: Logger): void {
  app.decorateRequest('logger', {
    getter() {
      return loggerWith(logger, logFieldsOf(this));
    },
  });
}
