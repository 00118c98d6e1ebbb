import { EventEmitter, once } from 'node:events';
import { createServer, type IncomingHttpHeaders, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';

/** What a receiver shall do with the next messages. */
export type Behaviour =
  | { readonly do: 'take' }
  | { readonly do: 'hang' }
  | {
      readonly do: 'refuse';
      readonly status: number;
      readonly headers?: Readonly<Record<string, string>>;
      readonly text?: string;
    }
  | { readonly do: 'flood' }
  | { readonly do: 'cut' };

export interface Received {
  readonly path: string;
  readonly headers: IncomingHttpHeaders;
  readonly body: string;
}

/** A real HTTP server on 127.0.0.1 that keeps what it gets. */
export class Receiver {
  readonly received: Received[] = [];
  behaviour: Behaviour = { do: 'take' };
  readonly #arrivals = new EventEmitter();
  readonly #server: Server;

  private constructor() {
    this.#server = createServer(async (request, response) => {
      let body = '';
      for await (const chunk of request.setEncoding('utf8')) body += chunk;
      this.received.push({ path: request.url ?? '', headers: request.headers, body });
      this.#arrivals.emit('message');
      this.#answer(response);
    });
  }

  static async start(): Promise<Receiver> {
    const receiver = new Receiver();
    receiver.#server.listen(0, '127.0.0.1');
    await once(receiver.#server, 'listening');
    return receiver;
  }

  url(path = '/hook'): string {
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}${path}`;
  }

  /** Resolves once `held` is true of what arrived. @throws AbortError after that many milliseconds */
  async until(held: () => boolean, withinMs: number): Promise<void> {
    const signal = AbortSignal.timeout(withinMs);
    while (!held()) await once(this.#arrivals, 'message', { signal });
  }

  async stop(): Promise<void> {
    if (!this.#server.listening) return;
    const closed = once(this.#server, 'close');
    this.#server.close();
    this.#server.closeAllConnections();
    await closed;
  }

  #answer(response: ServerResponse): void {
    const { behaviour } = this;
    switch (behaviour.do) {
      case 'take':
        response.end('ok');
        break;
      case 'hang':
        break;
      case 'refuse':
        response.writeHead(behaviour.status, behaviour.headers).end(behaviour.text ?? 'no');
        break;
      case 'flood': {
        response.writeHead(200);
        const more = () => {
          while (!response.destroyed && response.write('\u202e<script>\u0007'.repeat(5_000)));
        };
        response.on('drain', more);
        more();
        break;
      }
      case 'cut':
        response.destroy();
        break;
      default:
        behaviour satisfies never;
    }
  }
}
