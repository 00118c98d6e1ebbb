import { EventSourceParserStream } from 'eventsource-parser/stream';

/** The answer was not what the API promises. */
export class UnexpectedAnswer extends Error {}

export interface StreamedEvent {
  readonly type: string;
  readonly data: { readonly data?: Record<string, unknown> };
}

/** The public HTTP API as any user calls it; the demo knows no other way in. */
export class DemoClient {
  readonly #url: string;
  readonly #headers: Record<string, string>;

  constructor(url: string, apiKey: string | undefined) {
    this.#url = url;
    this.#headers = apiKey === undefined ? {} : { authorization: `Bearer ${apiKey}` };
  }

  /** @throws UnexpectedAnswer with the API's own words */
  async json<T>(path: string, status: number, init: RequestInit = {}): Promise<T> {
    const response = await this.#fetch(path, status, init);
    return (await response.json()) as T;
  }

  async bytes(path: string): Promise<{ body: Buffer; type: string }> {
    const response = await this.#fetch(path, 200, {});
    const type = response.headers.get('content-type') ?? '';
    return { body: Buffer.from(await response.arrayBuffer()), type };
  }

  /** Events of a job until the server ends the stream. */
  async *events(path: string): AsyncGenerator<StreamedEvent> {
    const response = await this.#fetch(path, 200, { headers: { accept: 'text/event-stream' } });
    if (!response.body) throw new UnexpectedAnswer(`${path} has no body`);
    const events = response.body
      .pipeThrough(new TextDecoderStream())
      .pipeThrough(new EventSourceParserStream());
    for await (const { event, data } of events) yield { type: event ?? 'message', data: JSON.parse(data) };
  }

  async #fetch(path: string, status: number, init: RequestInit): Promise<Response> {
    const response = await fetch(`${this.#url}${path}`, {
      ...init,
      headers: { ...this.#headers, ...(init.headers as Record<string, string> | undefined) },
      signal: AbortSignal.timeout(120_000),
    });
    if (response.status === status) return response;
    const text = (await response.text()).slice(0, 500);
    throw new UnexpectedAnswer(`${init.method ?? 'GET'} ${path} answered ${response.status}: ${text}`);
  }
}
