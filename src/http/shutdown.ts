import type { IncomingMessage, ServerResponse } from 'node:http';
import { Socket } from 'node:net';
import type { FastifyInstance } from 'fastify';
import type { Logger } from '../foundation/logger.js';
import { httpErrors } from './errors.js';
import type { HttpLimits } from './limits.js';

/**
 * Makes `app.close()` orderly: requests under way are answered, event streams end with a hint when to come
 * back, unused connections are cut at once and all that is left after `closeMs`.
 */
export function installShutdown(app: FastifyInstance, limits: HttpLimits, logger: Logger): void {
  const unused = trackUnusedSockets(app);
  let closing = false;
  let timer: NodeJS.Timeout | undefined;

  app.addHook('onRequest', (_request, _reply, done) => {
    if (closing) throw httpErrors.shutting_down('The server is shutting down.', { retryAfterSeconds: 1 });
    done();
  });
  app.addHook('onSend', (_request, reply, _payload, done) => {
    if (closing) reply.header('connection', 'close');
    done();
  });
  app.addHook('onResponse', (request, _reply, done) => {
    // A response whose headers said keep-alive before the stop began would hold the stop up.
    const { socket } = request.raw;
    if (closing && socket instanceof Socket) socket.end();
    done();
  });
  app.addHook('preClose', async () => {
    closing = true;
    app.eventStreams.close();
    for (const socket of unused) socket.destroy();
    timer = setTimeout(() => {
      logger.warn({ after_ms: limits.closeMs }, 'requests were still under way; their connections are cut');
      app.server.closeAllConnections();
    }, limits.closeMs);
  });
  app.addHook('onClose', async () => clearTimeout(timer));
}

/** Node counts a connection that never sent a request as busy, and would wait for it. */
function trackUnusedSockets(app: FastifyInstance): ReadonlySet<Socket> {
  const unused = new Set<Socket>();
  app.server.on('connection', (socket: Socket) => {
    unused.add(socket);
    socket.once('close', () => unused.delete(socket));
  });
  app.server.on('request', (request: IncomingMessage, response: ServerResponse) => {
    const { socket } = request;
    unused.delete(socket);
    response.once('close', () => {
      if (!socket.destroyed) unused.add(socket);
    });
  });
  return unused;
}
