import { once } from 'node:events';
import { afterEach, describe, expect, it } from 'vitest';
import { MetricRegistry } from '../telemetry/metrics/registry.js';
import { familyTexts } from '../telemetry/metrics/render.js';
import { parseExposition, type Sample } from '../telemetry/metrics/testing/exposition.js';
import type { HttpApp } from './app.js';
import { httpMetrics } from './metrics.js';
import { listen, RawClient } from './testing/raw-client.js';
import { createToyApp, toyKey } from './testing/toy-app.js';

let app: HttpApp;
let registry: MetricRegistry;
let port: number;
afterEach(() => app.close());

async function open(options: Parameters<typeof createToyApp>[0] = {}): Promise<void> {
  registry = new MetricRegistry(Object.values(httpMetrics));
  app = await createToyApp({ ...options, metrics: registry });
  port = await listen(app);
}

function samples(name: 'http_requests_total' | 'http_request_duration_seconds'): readonly Sample[] {
  const text = [...familyTexts(registry.families(), 'prometheus')].join('');
  return parseExposition(text, 'prometheus').get(name)?.samples ?? [];
}

/** `METHOD route status` of every request so far, sorted. */
function counted(): string[] {
  return samples('http_requests_total')
    .flatMap(({ labels, value }) => Array(value).fill(`${labels.method} ${labels.route} ${labels.status}`))
    .sort();
}

function timed(): string[] {
  return samples('http_request_duration_seconds')
    .filter(({ name }) => name.endsWith('_count'))
    .flatMap(({ labels, value }) => Array(value).fill(`${labels.method} ${labels.route} ${labels.status}`))
    .sort();
}

/** Resolves when so many requests are counted: that happens after the client has its answer. */
async function untilCounted(requests: number): Promise<string[]> {
  const deadline = performance.now() + 10_000;
  while (counted().length < requests && performance.now() < deadline) await new Promise(setImmediate);
  return counted();
}

const get = async (path: string, init: RequestInit = {}): Promise<void> => {
  await (await fetch(`http://127.0.0.1:${port}${path}`, init)).text();
};

async function raw(text: string): Promise<void> {
  const client = new RawClient(port).send(text);
  await client.until(/HTTP\/1\.1 \d{3}/);
  await client.closed;
}

describe('requests are counted', () => {
  it('by template, those that any layer refuses as well', async () => {
    await open({ apiKey: toyKey });
    const headers = { 'x-api-key': toyKey };
    const id = '0198c0de-0000-7000-8000-000000000000';
    await get(`/things/${id}`, { headers });
    await get(`/things/${id}/poke`, { method: 'POST', headers });
    await get('/things/nonsense?x=1', { headers });
    await get('/things');
    await get('/things', { headers: { 'x-api-key': 'wrong' } });
    await get('/forbidden', { headers });
    await get('/wp-admin/setup.php', { headers });
    await get('/health', { method: 'POST', headers });
    await get('/broken');
    await get('/health', { method: 'HEAD' });
    const big = JSON.stringify({ name: 'x'.repeat(2_000_000), size: 1 });
    const json = { ...headers, 'content-type': 'application/json' };
    await get('/things', { method: 'POST', headers: json, body: big });
    expect(await untilCounted(11)).toEqual(
      [
        'GET /things/:id 200',
        'POST /things/:id/poke 200',
        'GET /things/:id 422',
        'GET /things 401',
        'GET /things 401',
        'GET /forbidden 403',
        'GET unmatched 404',
        'POST unmatched 405',
        'GET /broken 500',
        'HEAD /health 200',
        'POST /things 413',
      ].sort(),
    );
    expect(timed()).toEqual(counted());
  });

  it('when the router or the parser of Node refuses them', async () => {
    await open();
    await raw('NONSENSE\r\n\r\n');
    await raw(`GET /${'x'.repeat(20_000)} HTTP/1.1\r\nHost: localhost\r\n\r\n`);
    await raw('GET /things/%ff HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n');
    await raw(`GET /things/${'x'.repeat(2_000)} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n`);
    const found = await untilCounted(4);
    expect(found.map((one) => one.replace(/ \/things\/:id /, ' unmatched '))).toEqual([
      'GET unmatched 400',
      'GET unmatched 414',
      'other malformed 400',
      'other malformed 431',
    ]);
    expect(timed()).toEqual(found.filter((one) => one.startsWith('GET')));
  });

  it('when the client does not wait for the answer', async () => {
    let release = (): void => undefined;
    const gate = new Promise<void>((resolve) => {
      release = resolve;
    });
    await open({ gate });
    const arrived = once(app.server, 'request');
    const client = new RawClient(port).send('GET /slow HTTP/1.1\r\nHost: localhost\r\n\r\n');
    await arrived;
    client.destroy();
    expect(await untilCounted(1)).toEqual(['GET /slow 499']);
    release();
  });

  it('as streams without their duration', async () => {
    await open();
    await get('/stream');
    expect(await untilCounted(1)).toEqual(['GET /stream 200']);
    expect(timed()).toEqual([]);
  });

  it('of strange methods together', async () => {
    await open();
    await raw('PURGE /things HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n');
    expect(await untilCounted(1)).toEqual([expect.stringMatching(/^other unmatched 4\d\d$/)]);
  });
});

it('an application without metrics serves as well', async () => {
  app = await createToyApp({});
  port = await listen(app);
  await raw('NONSENSE\r\n\r\n');
  expect((await fetch(`http://127.0.0.1:${port}/health`)).status).toBe(200);
});
