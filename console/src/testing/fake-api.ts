import { vi } from 'vitest';
import type { Overview } from '../api/types.js';

type Handler = (request: { method: string; url: string; headers: Headers }) => Response | Promise<Response>;

export const answer = (body: unknown, status = 200): Response =>
  new Response(JSON.stringify(body), { status, headers: { 'content-type': 'application/json' } });

export const problem = (status: number, code: string, detail: string): Response =>
  answer({ status, code, detail, title: detail, request_id: 'r-1' }, status);

/** Plays the API: routes by `METHOD /path`, event streams by hand. Every request is kept in `requests`. */
export class FakeApi {
  readonly requests: { method: string; url: string; headers: Headers }[] = [];
  readonly #routes = new Map<string, Handler>();
  #streams: { controller: ReadableStreamDefaultController<Uint8Array>; open: boolean }[] = [];

  constructor() {
    this.on('GET /api/v1/overview/stream', () => this.#stream());
  }

  install(): this {
    vi.stubGlobal('fetch', (path: string, init: RequestInit = {}) => this.#answer(path, init));
    return this;
  }

  on(route: string, handler: Handler): this {
    this.#routes.set(route, handler);
    return this;
  }

  overview(overview: Overview): this {
    return this.on('GET /api/v1/overview', () => answer(overview));
  }

  count(route: string): number {
    return this.requests.filter(({ method, url }) => `${method} ${url.split('?')[0]}` === route).length;
  }

  /** Open streams, as the server sees them. */
  get streams(): number {
    return this.#streams.filter((stream) => stream.open).length;
  }

  send(text: string): void {
    for (const { controller, open } of this.#streams)
      if (open) controller.enqueue(new TextEncoder().encode(text));
  }

  sendOverview(overview: Overview): void {
    this.send(`event: overview\ndata: ${JSON.stringify(overview)}\n\n`);
  }

  endStreams(): void {
    for (const stream of this.#streams) {
      if (stream.open) stream.controller.close();
      stream.open = false;
    }
  }

  async #answer(path: string, init: RequestInit): Promise<Response> {
    const method = init.method ?? 'GET';
    const request = { method, url: path, headers: new Headers(init.headers) };
    this.requests.push(request);
    const handler = this.#routes.get(`${method} ${path.split('?')[0]}`);
    if (handler === undefined) return problem(404, 'route_not_found', `There is nothing at ${path}.`);
    const response = await handler(request);
    init.signal?.throwIfAborted();
    init.signal?.addEventListener('abort', () => this.#abort(response, init.signal?.reason));
    return response;
  }

  #responses = new Map<
    Response,
    { controller: ReadableStreamDefaultController<Uint8Array>; open: boolean }
  >();

  #stream(): Response {
    const stream = {
      controller: undefined as unknown as ReadableStreamDefaultController<Uint8Array>,
      open: true,
    };
    const body = new ReadableStream<Uint8Array>({
      start(controller) {
        stream.controller = controller;
      },
      cancel() {
        stream.open = false;
      },
    });
    const response = new Response(body, { headers: { 'content-type': 'text/event-stream' } });
    this.#streams.push(stream);
    this.#responses.set(response, stream);
    return response;
  }

  #abort(response: Response, reason: unknown): void {
    const stream = this.#responses.get(response);
    if (stream === undefined || !stream.open) return;
    stream.open = false;
    stream.controller.error(reason);
  }
}
