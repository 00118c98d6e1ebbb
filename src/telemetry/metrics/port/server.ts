import { createHash, timingSafeEqual } from 'node:crypto';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import { isLoopbackHost } from '../../../foundation/loopback.js';
import { type Format, formatFor } from '../format.js';
import type { Exposition } from '../metrics.js';

export interface MetricsServerOptions {
  /** Unset: whoever comes under a name of this machine is answered. */
  readonly token: string | undefined;
  readonly read: (format: Format) => Promise<Exposition>;
}

/** Scrapers are few; who opens more is none. */
const maxConnections = 50;

/** Serves GET /metrics and nothing else. */
export function createMetricsServer(options: MetricsServerOptions): Server {
  const server = createServer({ headersTimeout: 5_000, requestTimeout: 5_000, keepAliveTimeout: 65_000 });
  server.maxConnections = maxConnections;
  server.on('request', (request: IncomingMessage, response: ServerResponse) => {
    // A body is of no use here and must not keep the connection.
    request.resume();
    const refusal = refusalOf(request, options.token);
    if (refusal !== undefined) {
      if (refusal === 401) response.setHeader('www-authenticate', 'Bearer realm="signalbox metrics"');
      if (refusal === 405) response.setHeader('allow', 'GET, HEAD');
      answer(response, refusal, 'text/plain; charset=utf-8', `${texts[refusal]}\n`);
      return;
    }
    options.read(formatFor(request.headers.accept)).then(
      ({ contentType, text }) => answer(response, 200, contentType, text),
      () => answer(response, 500, 'text/plain; charset=utf-8', 'The metrics could not be written.\n'),
    );
  });
  return server;
}

const texts = Object.freeze({
  401: 'Send METRICS_TOKEN as Authorization: Bearer TOKEN.',
  404: 'There is only /metrics here.',
  405: 'Only GET and HEAD.',
  421: 'Without METRICS_TOKEN only localhost, 127.0.0.1 and [::1] are answered.',
});

function refusalOf(request: IncomingMessage, token: string | undefined): keyof typeof texts | undefined {
  if (token === undefined) {
    // A web page could come under a name of its own that means this machine.
    const name = /^(\[[0-9a-f:.]+\]|[^:]*)(?::\d{1,5})?$/i.exec(request.headers.host ?? '')?.[1] ?? '';
    if (!isLoopbackHost(name)) return 421;
  } else if (!carries(request, token)) {
    return 401;
  }
  if (request.url?.split('?')[0] !== '/metrics') return 404;
  return request.method === 'GET' || request.method === 'HEAD' ? undefined : 405;
}

function carries(request: IncomingMessage, token: string): boolean {
  const presented = /^bearer +(\S+) *$/i.exec(request.headers.authorization ?? '')?.[1];
  return presented !== undefined && timingSafeEqual(digest(presented), digest(token));
}

/** So that neither content nor length shows in the time it takes. */
function digest(text: string): Buffer {
  return createHash('sha256').update(text).digest();
}

function answer(response: ServerResponse, status: number, type: string, text: string): void {
  const body = Buffer.from(text);
  response.writeHead(status, {
    'content-type': type,
    'content-length': body.length,
    'cache-control': 'no-store',
    'x-content-type-options': 'nosniff',
  });
  response.end(body);
}
