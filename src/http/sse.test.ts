import { afterEach, describe, expect, it } from 'vitest';
import type { HttpApp } from './app.js';
import type { EventStream } from './sse.js';
import { listen, RawClient } from './testing/raw-client.js';
import { createToyApp } from './testing/toy-app.js';

let app: HttpApp | undefined;
afterEach(async () => app?.close());

function deferred<T = void>() {
  let resolve: (value: T) => void = () => {};
  const promise = new Promise<T>((done) => {
    resolve = done;
  });
  return { promise, resolve };
}

const untilAborted = (stream: EventStream) =>
  new Promise<void>((resolve) => stream.signal.addEventListener('abort', () => resolve(), { once: true }));

const get = 'GET /stream HTTP/1.1\r\nHost: localhost\r\n\r\n';

describe('event streams', () => {
  it('are answered with the headers of every answer, and end when their source does', async () => {
    app = await createToyApp();
    const response = await app.inject({ url: '/stream', headers: { 'last-event-id': '4' } });
    expect(response.headers).toMatchObject({
      'content-type': 'text/event-stream; charset=utf-8',
      'cache-control': 'no-cache, no-transform',
      'x-accel-buffering': 'no',
      'x-request-id': expect.any(String),
      'x-response-time': expect.stringMatching(/ms$/),
    });
    expect(response.body).toBe('retry: 2000\n\nid: 5\nevent: tick\ndata: {"after":4}\n\n');
  });

  it.each(['x', '-1', '1.5', '9999999999', '1 2'])('refuse Last-Event-ID %j by name', async (id) => {
    app = await createToyApp();
    const response = await app.inject({ url: '/stream', headers: { 'last-event-id': id } });
    expect(response.json()).toMatchObject({ status: 422, errors: [{ field: 'Last-Event-ID' }] });
  });

  it('reach the client at once', async () => {
    app = await createToyApp({
      source: async (stream) => {
        await stream.send({ event: 'first', data: 1 });
        await untilAborted(stream);
      },
    });
    const client = new RawClient(await listen(app)).send(get);
    await client.until(/event: first\ndata: 1\n\n/);
    client.destroy();
  });

  it('tell their source when the client goes away', async () => {
    const opened = deferred<EventStream>();
    const ended = deferred<unknown>();
    app = await createToyApp({
      source: async (stream) => {
        opened.resolve(stream);
        await untilAborted(stream);
        await stream.send({ event: 'late', data: 0 }).catch(ended.resolve);
      },
    });
    const client = new RawClient(await listen(app)).send(get);
    const stream = await opened.promise;
    expect(app.eventStreams.size).toBe(1);
    client.destroy();
    expect(await ended.promise).toMatchObject({ kind: 'disconnected' });
    expect(stream.signal.aborted).toBe(true);
    await expect.poll(() => app?.eventStreams.size).toBe(0);
  });

  it('hold their source back while the client does not read', async () => {
    let sent = 0;
    app = await createToyApp({
      source: async (stream) => {
        for (;;) {
          await stream.send({ event: 'much', data: 'x'.repeat(10_000) });
          sent += 1;
        }
      },
    });
    const client = new RawClient(await listen(app));
    client.socket.pause();
    client.send(get);
    let before = -1;
    await expect
      .poll(
        () => {
          const still = sent > 0 && sent === before;
          before = sent;
          return still;
        },
        { interval: 100, timeout: 10_000 },
      )
      .toBe(true);
    // Kernel buffers take a few megabytes; without backpressure this would be unbounded.
    expect(sent * 10_000).toBeLessThan(50_000_000);
    client.destroy();
  });

  it('end, and let the client come back, when their source fails', async () => {
    app = await createToyApp({
      source: async (stream) => {
        await stream.send({ event: 'first', data: 1 });
        throw new Error('no more');
      },
    });
    const response = await app.inject({ url: '/stream' });
    expect(response.body).toContain('event: first');
  });

  it('are limited in number', async () => {
    app = await createToyApp({ limits: { streams: 1 }, source: untilAborted });
    const port = await listen(app);
    const first = new RawClient(port).send(get);
    await first.until(/retry: /);
    const second = await fetch(`http://127.0.0.1:${port}/stream`);
    expect(second.status).toBe(503);
    expect(second.headers.get('retry-after')).toBe('10');
    first.destroy();
  });
});

describe('the stop of the server', () => {
  it('ends open streams at once, with a hint when to come back', async () => {
    const reason = deferred<unknown>();
    app = await createToyApp({
      source: async (stream) => {
        await untilAborted(stream);
        reason.resolve(stream.signal.reason);
      },
    });
    const client = new RawClient(await listen(app)).send(get);
    await client.until(/retry: 2000/);
    const started = performance.now();
    await app.close();
    await client.closed;
    expect(performance.now() - started).toBeLessThan(2_000);
    expect(client.received).toMatch(/retry: 500\n\n\r\n0\r\n\r\n$/);
    expect(await reason.promise).toMatchObject({ kind: 'shutdown' });
  });

  it('answers what is under way and closes its connection', async () => {
    const gate = deferred();
    app = await createToyApp({ gate: gate.promise });
    const client = new RawClient(await listen(app)).send('GET /slow HTTP/1.1\r\nHost: localhost\r\n\r\n');
    await new Promise((resolve) => app?.server.once('request', resolve));
    const closed = app.close();
    await expect.poll(() => app?.server.listening).toBe(false);
    gate.resolve();
    await client.until(/\{"done":true\}/);
    expect(client.received).toMatch(/^connection: close\r$/im);
    await closed;
    await client.closed;
  });

  it('does not wait for connections that ask nothing', async () => {
    app = await createToyApp();
    const port = await listen(app);
    const silent = new RawClient(port);
    const used = new RawClient(port).send('GET /health HTTP/1.1\r\nHost: localhost\r\n\r\n');
    await used.until(/healthy/);
    const started = performance.now();
    await app.close();
    await Promise.all([silent.closed, used.closed]);
    expect(performance.now() - started).toBeLessThan(2_000);
  });

  it('cuts what does not end in time', async () => {
    app = await createToyApp({ gate: new Promise(() => {}), limits: { closeMs: 50 } });
    const client = new RawClient(await listen(app)).send('GET /slow HTTP/1.1\r\nHost: localhost\r\n\r\n');
    await new Promise((resolve) => app?.server.once('request', resolve));
    await app.close();
    await client.closed;
    expect(client.received).toBe('');
  });
});
