import { afterEach, describe, expect, it } from 'vitest';
import type { HttpApp } from './app.js';
import type { HttpLimits } from './limits.js';
import { listen, RawClient } from './testing/raw-client.js';
import { createToyApp, toyKey } from './testing/toy-app.js';

let app: HttpApp | undefined;
afterEach(async () => app?.close());

async function client(limits: Partial<HttpLimits> = {}, apiKey?: string): Promise<RawClient> {
  app = await createToyApp({ limits, ...(apiKey === undefined ? {} : { apiKey }) });
  return new RawClient(await listen(app));
}

function problemIn(received: string): { status: number; code: string } {
  return JSON.parse(received.slice(received.indexOf('\r\n\r\n') + 4));
}

describe('what is not a request', () => {
  it.each([
    ['noise', 'hello\r\n\r\n', 400, 'request_malformed'],
    [
      'too many headers',
      `GET /health HTTP/1.1\r\nHost: localhost\r\nX-Much: ${'a'.repeat(20_000)}\r\n\r\n`,
      431,
      'headers_too_large',
    ],
    [
      'an endless URL',
      `GET /${'a'.repeat(20_000)} HTTP/1.1\r\nHost: localhost\r\n\r\n`,
      431,
      'headers_too_large',
    ],
    [
      'two lengths',
      'POST /things HTTP/1.1\r\nHost: localhost\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n',
      400,
      'request_malformed',
    ],
  ])('is answered with a problem: %s', async (_what, text, status, code) => {
    const raw = (await client()).send(text);
    await raw.closed;
    expect(raw.received).toMatch(new RegExp(`^HTTP/1.1 ${status} `));
    expect(raw.received).toMatch(/^X-Request-Id: [0-9a-f-]{36}\r$/m);
    expect(raw.received).toMatch(/^X-Response-Time: /m);
    expect(problemIn(raw.received)).toMatchObject({ status, code });
  });
});

describe('slow clients', () => {
  it('have only so long for their headers', async () => {
    const raw = (await client({ headersMs: 200, requestMs: 1_000 })).send(
      'GET /health HTTP/1.1\r\nHost: local',
    );
    await raw.closed;
    expect(problemIn(raw.received)).toMatchObject({ status: 408, code: 'request_timeout' });
  });

  it('have only so long for the whole request', async () => {
    const raw = (await client({ headersMs: 200, requestMs: 300 })).send(
      'POST /things HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nContent-Length: 100\r\n\r\n{"name"',
    );
    await raw.closed;
    expect(problemIn(raw.received)).toMatchObject({ status: 408, code: 'request_timeout' });
  });

  it('are cut off when nothing moves', async () => {
    const raw = await client({ idleMs: 100 });
    await raw.closed;
    expect(raw.received).toBe('');
  });
});

describe('an early refusal', () => {
  const head = (extra: string) =>
    `POST /things HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n${extra}\r\n`;

  it('reaches a client that is still sending, and the connection stays usable', async () => {
    const raw = (await client({}, toyKey)).send(head('Content-Length: 5000000\r\n'));
    await raw.until(/credentials_missing/);
    for (let sent = 0; sent < 5_000_000; sent += 50_000) raw.send('x'.repeat(50_000));
    raw.send('GET /health HTTP/1.1\r\nHost: localhost\r\n\r\n');
    await raw.until(/\{"status":"healthy"\}/);
    raw.destroy();
  });

  it('comes before the body of a declared size is sent', async () => {
    const raw = (await client()).send(head('Content-Length: 200000000\r\n'));
    await raw.until(/"code":"body_too_large"/);
    raw.destroy();
  });

  it('comes as soon as a body without a declared size is too large', async () => {
    const raw = (await client({ bodyBytes: 1_000 })).send(head('Transfer-Encoding: chunked\r\n'));
    raw.send(`${(2_000).toString(16)}\r\n${'x'.repeat(2_000)}\r\n`);
    await raw.until(/"code":"body_too_large"/);
    raw.destroy();
  });

  it('does not let the client go on for ever', async () => {
    const raw = (await client({ lingerMs: 100 }, toyKey)).send(head('Content-Length: 5000000\r\n'));
    await raw.until(/credentials_missing/);
    await raw.closed;
  });
});

describe('a client that goes away in the middle of its body', () => {
  it('leaves the server well', async () => {
    const raw = (await client()).send(
      'POST /things HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nContent-Length: 100\r\n\r\n{"name"',
    );
    await new Promise((resolve) => app?.server.once('request', resolve));
    raw.destroy();
    await raw.closed;
    expect((await (app as HttpApp).inject({ url: '/health' })).statusCode).toBe(200);
  });
});
