import { Socket } from 'node:net';
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';

/**
 * An answer to a body that has not wholly arrived (401, 413, 415 …) is lost when the connection is closed
 * at once: the client, still writing, sees a reset. So the rest is read and dropped for a while, and only
 * a client that goes on for longer is cut off.
 */
export function installLinger(app: FastifyInstance, lingerMs: number): void {
  app.addHook('onSend', (request, reply, _payload, done) => {
    lingerOver(request, reply, lingerMs);
    done();
  });
}

function lingerOver(request: FastifyRequest, reply: FastifyReply, lingerMs: number): void {
  const { socket } = request.raw;
  // Injected requests come on no connection.
  if (request.raw.complete || reply.statusCode < 400 || !(socket instanceof Socket)) return;
  reply.removeHeader('connection');
  reply.raw.once('finish', () => {
    const timer = setTimeout(() => socket.destroy(), lingerMs);
    request.raw.once('end', () => clearTimeout(timer));
    socket.once('close', () => clearTimeout(timer));
    request.raw.unpipe();
    request.raw.resume();
  });
}
