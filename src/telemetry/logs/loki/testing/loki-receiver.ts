import { once } from 'node:events';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { gunzipSync } from 'node:zlib';

export interface ReceivedLine {
  readonly labels: Readonly<Record<string, string>>;
  /** Nanoseconds, as text. */
  readonly at: string;
  readonly line: Readonly<Record<string, unknown>>;
}

/** Answers a push; without one of its own it takes the lines with 204. */
export type Answer = (response: ServerResponse, push: number) => void;

/** The push API of Loki on a port of its own, as good or as bad as a test wants it. */
export class LokiReceiver {
  readonly url: string;
  /** Of the pushes that were taken, in order. */
  readonly lines: ReceivedLine[] = [];
  readonly headers: IncomingMessage['headers'][] = [];
  readonly paths: (string | undefined)[] = [];
  /** Every push, taken or not. */
  pushes = 0;
  answer: Answer = (response) => response.writeHead(204).end();
  readonly #server: Server;
  readonly #waiting = new Set<() => void>();

  private constructor(server: Server) {
    this.#server = server;
    this.url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
    server.on('request', (request: IncomingMessage, response: ServerResponse) => {
      this.#take(request, response).catch((error: unknown) => response.destroy(error as Error));
    });
  }

  static async start(): Promise<LokiReceiver> {
    const server = createServer();
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    return new LokiReceiver(server);
  }

  async stop(): Promise<void> {
    this.#server.closeAllConnections();
    if (this.#server.listening) await new Promise((resolve) => this.#server.close(resolve));
  }

  /** Resolves when it holds, looked at after every push. */
  async until(holds: () => boolean): Promise<void> {
    while (!holds()) await new Promise<void>((resolve) => this.#waiting.add(resolve));
  }

  async #take(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const chunks: Buffer[] = [];
    for await (const chunk of request) chunks.push(chunk as Buffer);
    this.pushes += 1;
    this.headers.push(request.headers);
    this.paths.push(request.url);
    this.answer(response, this.pushes);
    if (response.statusCode < 300 && response.writableEnded)
      this.#keep(gunzipSync(Buffer.concat(chunks)).toString());
    for (const resolve of this.#waiting) resolve();
    this.#waiting.clear();
  }

  #keep(body: string): void {
    const { streams } = JSON.parse(body) as {
      streams: { stream: Record<string, string>; values: [string, string][] }[];
    };
    for (const { stream, values } of streams) {
      for (const [at, line] of values) this.lines.push({ labels: stream, at, line: JSON.parse(line) });
    }
  }
}
