import { PassThrough } from 'node:stream';
import { finished } from 'node:stream/promises';
import type { FastifyReply, FastifyRequest } from 'fastify';
import type { z } from 'zod';
import { AbortReason, waitOrAbort } from '../foundation/abort.js';
import { messageOf } from '../foundation/errors.js';
import { fieldInvalid, httpErrors } from './errors.js';

/** One event of a stream. `data` becomes one line of JSON. */
export interface ServerEvent {
  /** What the client sends as `Last-Event-ID` when it comes back. */
  readonly id?: string | number;
  readonly event: string;
  readonly data: unknown;
}

export interface EventStream {
  /** Fires with an AbortReason when the client is gone (`disconnected`) or the process stops (`shutdown`). */
  readonly signal: AbortSignal;
  /** Resolves when the client has room for more. Rejects with the signal's reason. */
  send(event: ServerEvent): Promise<void>;
}

/** Writes events until it resolves, which ends the stream. It must heed the stream's signal. */
export type EventSource = (stream: EventStream) => Promise<void>;

const keepAliveMs = 15_000;
const retryMs = 2_000;
/** Clients of a stopping server come back soon: another process may already serve them. */
const shutdownRetryMs = 500;

/** The event streams of one application, so that its stop can end them. */
export class EventStreams {
  readonly #limit: number;
  readonly #open = new Set<OpenStream>();
  #closing = false;

  constructor(limit: number) {
    this.#limit = limit;
  }

  get size(): number {
    return this.#open.size;
  }

  /** @throws too_many_streams, shutting_down */
  start(request: FastifyRequest, reply: FastifyReply, source: EventSource): FastifyReply {
    if (this.#closing)
      throw httpErrors.shutting_down('The server is shutting down.', { retryAfterSeconds: 1 });
    if (this.#open.size >= this.#limit) {
      throw httpErrors.too_many_streams(`${this.#limit} event streams are open.`, { retryAfterSeconds: 10 });
    }
    const stream = new OpenStream(reply);
    this.#open.add(stream);
    void stream
      .run(source)
      .catch((error: unknown) => {
        // The headers are sent: all that is left is to end, and the client comes back by itself.
        request.logger.error({ error: messageOf(error) }, 'an event stream broke off');
      })
      .finally(() => this.#open.delete(stream));
    return reply
      .headers({
        'content-type': 'text/event-stream; charset=utf-8',
        'cache-control': 'no-cache, no-transform',
        'x-accel-buffering': 'no',
      })
      .send(stream.body);
  }

  /** Tells every client when to come back, and ends its stream. */
  close(): void {
    this.#closing = true;
    for (const stream of this.#open) stream.shutDown();
  }
}

/**
 * Answers with an event stream. Return what it returns. The route needs `exposeHeadRoute: false`.
 * Everything that can refuse the request must have happened before.
 * @throws too_many_streams, shutting_down
 */
export function startSse(request: FastifyRequest, reply: FastifyReply, source: EventSource): FastifyReply {
  return request.server.eventStreams.start(request, reply, source);
}

/**
 * The number after which a client that comes back wants to go on; 0 at first.
 * @throws fields_invalid naming `Last-Event-ID`
 */
export function lastEventSeq(request: FastifyRequest): number {
  const text = request.headers['last-event-id'];
  if (text === undefined || text === '') return 0;
  // Nine digits stay within PostgreSQL's integer.
  if (typeof text === 'string' && /^\d{1,9}$/.test(text)) return Number(text);
  throw fieldInvalid('Last-Event-ID', 'must be the id of an event of this stream');
}

class OpenStream implements EventStream {
  readonly body = new PassThrough({ highWaterMark: 65_536 });
  readonly #abort = new AbortController();

  constructor(reply: FastifyReply) {
    reply.raw.once('close', () => this.#abort.abort(new AbortReason('disconnected', 'the client is gone')));
    // A client that goes away is the ordinary end of a stream; without a listener it would end the process.
    this.body.on('error', () => {});
  }

  get signal(): AbortSignal {
    return this.#abort.signal;
  }

  async send(event: ServerEvent): Promise<void> {
    this.signal.throwIfAborted();
    const id = event.id === undefined ? '' : `id: ${event.id}\n`;
    const room = this.body.write(`${id}event: ${event.event}\ndata: ${JSON.stringify(event.data)}\n\n`);
    if (!room)
      await waitOrAbort(new Promise<void>((resolve) => this.body.once('drain', resolve)), this.signal);
  }

  async run(source: EventSource): Promise<void> {
    this.body.write(`retry: ${retryMs}\n\n`);
    const keepAlive = setInterval(() => {
      if (!this.body.writableNeedDrain) this.body.write(': keep-alive\n\n');
    }, keepAliveMs);
    try {
      await source(this);
    } catch (error) {
      if (!(error instanceof AbortReason)) throw error;
    } finally {
      clearInterval(keepAlive);
      await this.#end();
    }
  }

  shutDown(): void {
    if (this.signal.aborted) return;
    this.body.write(`retry: ${shutdownRetryMs}\n\n`);
    this.#abort.abort(new AbortReason('shutdown', 'the server is shutting down'));
    this.body.end();
  }

  /** Its bytes are the response's from here on; waiting keeps the stream among the open ones until they are out. */
  async #end(): Promise<void> {
    if (!this.body.writableEnded) this.body.end();
    // Rejects when the client went away before the last byte: there is nobody left to tell.
    await finished(this.body).catch(() => {});
  }
}

/** Response schema of a route that answers with an event stream; `data` is what each event's `data` holds. */
export function eventStream(data: z.ZodType) {
  return {
    description: 'Server-sent events; `data` is JSON',
    content: { 'text/event-stream': { schema: data } },
  };
}
