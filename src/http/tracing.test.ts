import fastify from 'fastify';
import { expect, it, onTestFinished } from 'vitest';
import { silentLogger as logger } from '../foundation/logger.js';
import { MetricRegistry } from '../telemetry/metrics/registry.js';
import { spanMetrics } from '../telemetry/tracing/declarations.js';
import { OtlpReceiver } from '../telemetry/tracing/testing/otlp-receiver.js';
import { Tracing } from '../telemetry/tracing/tracing.js';
import type { HttpApp } from './app.js';
import { installTracing } from './tracing.js';

async function scene(rate: number) {
  const receiver = await OtlpReceiver.start();
  const registry = new MetricRegistry(Object.values(spanMetrics));
  const collector = { url: `${receiver.url}/v1/traces`, headers: {} };
  const tracing = new Tracing({
    rate,
    perSecond: 10,
    collector,
    db: undefined,
    resource: {},
    registry,
    logger,
  });
  await tracing.start();
  const app = fastify() as unknown as HttpApp;
  installTracing(app, tracing);
  const contexts: (string | undefined)[] = [];
  app.get('/well', async (request) => contexts.push(request.traceParent));
  app.post('/body', async () => ({ active: tracing.traceParent() ?? null }));
  app.get('/ill/:id', async () => {
    throw new Error('ill');
  });
  app.get('/watch', { config: { watches: true } as never }, async () => {
    throw new Error('ill');
  });
  onTestFinished(async () => {
    await app.close();
    await receiver.stop();
  });
  return { receiver, tracing, app, contexts };
}

const traceparent = '00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-00';

it('tells a request that fails though nothing is sampled, in the trace of its caller, and no other', async () => {
  const { receiver, tracing, app, contexts } = await scene(0);
  for (const url of ['/well', '/ill/7', '/watch', '/none'])
    await app.inject({ url, headers: { traceparent } });
  await tracing.stop();
  expect(receiver.spans).toMatchObject([
    {
      name: 'GET /ill/:id',
      traceId: '4bf92f3577b34da6a3ce929d0e0e4736',
      parentSpanId: '00f067aa0ba902b7',
      kind: 2,
      status: { code: 2 },
      attributes: { 'http.response.status_code': 500, 'error.type': '500' },
    },
  ]);
  expect(contexts).toEqual([traceparent]);
});

it('is what is under way in the handler, though its body came from the socket', async () => {
  const { receiver, tracing, app } = await scene(1);
  const url = await app.listen({ host: '127.0.0.1', port: 0 });
  const response = await fetch(`${url}/body`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ text: 'x'.repeat(200_000) }),
  });
  const { active } = (await response.json()) as { active: string };
  await app.close();
  await tracing.stop();
  const [span, ...more] = receiver.spans;
  expect([active, more]).toEqual([`00-${span?.traceId}-${span?.spanId}-01`, []]);
});

it('passes on what a caller sent, without tracing; what is no context it leaves out', async () => {
  const app = fastify() as unknown as HttpApp;
  installTracing(app, undefined);
  app.get('/', async (request) => ({ context: request.traceParent ?? null }));
  onTestFinished(() => app.close());
  const answer = async (sent: string) =>
    (await app.inject({ url: '/', headers: { traceparent: sent } })).json();
  expect(await answer(traceparent)).toEqual({ context: traceparent });
  expect(await answer('00-nonsense')).toEqual({ context: null });
});
