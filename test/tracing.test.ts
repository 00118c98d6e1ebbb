import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { trace } from '@opentelemetry/api';
import { expect, onTestFinished, test } from 'vitest';
import { z } from 'zod';
import { type Task, task } from '../src/engine/task.js';
import { jobSpanId } from '../src/foundation/job-trace.js';
import { OtlpReceiver, type ReceivedSpan } from '../src/telemetry/tracing/testing/otlp-receiver.js';
import { House } from './support/house.js';

const open = { permission: 'jobs:write', price: () => 0, admit: async () => undefined } as const;
const caller = '4bf92f3577b34da6a3ce929d0e0e4736';
const parent = '00f067aa0ba902b7';

const failing = task({
  name: 'trace.fail',
  input: z.strictObject({ times: z.int() }),
  open,
  maxAttempts: 3,
  backoff: { initialMs: 1, factor: 1, maxMs: 1, jitter: 0 },
  run: async ({ times }, { job }) => {
    if (job.attempt <= times) throw new RangeError('out of luck');
    return null;
  },
}) as unknown as Task;

/** A task that asks an upstream, and the database through `house`. */
function asking(url: string, house: () => House): Task {
  return task({
    name: 'trace.ask',
    input: z.strictObject({}),
    open,
    run: async () => {
      await (await fetch(`${url}/answer`)).text();
      await house().db.database.query('select 1 as asked_by_handler');
      await trace.getTracer('user').startActiveSpan('my own step', async (span) => span.end());
      return null;
    },
  }) as unknown as Task;
}

async function upstream() {
  const seen: (string | undefined)[] = [];
  const server = createServer((request, response) => {
    seen.push(request.headers.traceparent as string | undefined);
    response.end('42');
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  onTestFinished(() => {
    server.closeAllConnections();
    server.close();
  });
  return { seen, url: `http://127.0.0.1:${(server.address() as AddressInfo).port}` };
}

async function scene(env: Record<string, string>) {
  const receiver = await OtlpReceiver.start();
  onTestFinished(() => receiver.stop());
  const { url, seen } = await upstream();
  let house: House;
  const tasks = [failing, asking(url, () => house)];
  house = await House.open({ OTEL_EXPORTER_OTLP_ENDPOINT: receiver.url, ...env }, undefined, tasks);
  onTestFinished(() => house.close());
  await house.startWorker();
  return { receiver, house, seen, upstreamUrl: url };
}

async function send(house: House, name: string, input: unknown, headers: Record<string, string> = {}) {
  const response = await fetch(`${house.url}/jobs`, {
    method: 'POST',
    headers: { 'content-type': 'application/json', ...headers },
    body: JSON.stringify({ task: name, input }),
  });
  expect(response.status).toBe(202);
  return ((await response.json()) as { id: string }).id;
}

const named = (spans: readonly ReceivedSpan[], name: string) => spans.filter((span) => span.name === name);

test('one trace from the request to what the handler does, at the collector and in the database', async () => {
  const { receiver, house, seen, upstreamUrl } = await scene({
    OTEL_TRACES_SAMPLER_ARG: '0',
    OTLP_HEADERS: 'Authorization=Bearer%20token',
    OTEL_SERVICE_NAME: 'our-jobs',
  });
  const id = await send(house, 'trace.ask', {}, { traceparent: `00-${caller}-${parent}-01` });
  await receiver.until((spans) => named(spans, 'process default').length === 1);
  const one = (name: string) => {
    const [span, ...more] = named(receiver.spans, name);
    expect(more, name).toEqual([]);
    if (span === undefined) throw new Error(`there is no ${name}`);
    expect(span.traceId).toBe(caller);
    return span;
  };
  const request = one('POST /jobs');
  expect(request.parentSpanId).toBe(parent);
  expect(request.attributes).toMatchObject({ 'http.route': '/jobs', 'http.response.status_code': 202 });
  expect(request.resource).toMatchObject({
    'service.name': 'our-jobs',
    'deployment.environment.name': 'development',
  });
  const sent = one('send default');
  expect(sent.parentSpanId).toBe(request.spanId);
  const process = one('process default');
  expect([one('queued default').parentSpanId, process.parentSpanId]).toEqual([sent.spanId, sent.spanId]);
  expect(process.attributes).toMatchObject({
    'messaging.message.id': id,
    'signalbox.attempt': 1,
    'signalbox.outcome': 'succeeded',
  });
  const outgoing = one('GET');
  expect([outgoing.parentSpanId, outgoing.attributes['url.full']]).toEqual([
    process.spanId,
    `${upstreamUrl}/answer`,
  ]);
  expect(seen).toEqual([`00-${caller}-${outgoing.spanId}-01`]);
  expect(one('my own step').parentSpanId).toBe(process.spanId);
  const statements = named(receiver.spans, 'SELECT').filter(
    ({ parentSpanId }) => parentSpanId === process.spanId,
  );
  expect(statements.map(({ attributes }) => attributes['db.query.text'])).toEqual([
    'select 1 as asked_by_handler',
  ]);
  expect([receiver.paths[0], receiver.headers[0]?.authorization]).toEqual(['/v1/traces', 'Bearer token']);

  // The same from the database, without a collector.
  const { spans } = await traceOf(house, id, (all) => all.some(({ name }) => name === 'my own step'));
  const tree = spans.map(({ name, parent_id: of, source }) => {
    return [name, spans.find(({ span_id: other }) => other === of)?.name ?? null, source];
  });
  expect(tree[0]).toEqual(['POST /jobs', null, 'recorded']);
  expect(tree).toContainEqual(['send default', 'POST /jobs', 'engine']);
  expect(tree).toContainEqual(['queued default', 'send default', 'engine']);
  expect(tree).toContainEqual(['process default', 'send default', 'engine']);
  expect(tree).toContainEqual(['GET', 'process default', 'recorded']);
  expect(tree).toContainEqual(['my own step', 'process default', 'recorded']);
});

test('a job that a handler enqueues joins its trace', async () => {
  let house: House;
  const child = task({
    name: 'trace.child',
    input: z.strictObject({}),
    run: async () => null,
  }) as unknown as Task;
  const mother = task({
    name: 'trace.mother',
    input: z.strictObject({}),
    open,
    run: async () => ({ child: (await house.engine.enqueue(child, {})).id }),
  }) as unknown as Task;
  house = await House.open({ SIGNALBOX_TRACING: 'on', OTEL_TRACES_SAMPLER_ARG: '1' }, undefined, [
    child,
    mother,
  ]);
  onTestFinished(() => house.close());
  await house.startWorker();
  const id = await send(house, 'trace.mother', {});
  const { trace_id: traceId } = await traceOf(house, id, (all) => all.at(-1)?.duration_ms != null);
  const { child: childId } = (await house.engine.jobs.get(id)).result as { child: string };
  const sender = jobSpanId(id, 'process', 1);
  const ofChild = await traceOf(house, childId, (all) => all.some(({ span_id: span }) => span === sender));
  expect(ofChild.trace_id).toBe(traceId);
  expect(ofChild.spans.find(({ name }) => name === 'send default')?.parent_id).toBe(sender);
  // Kept for the child, and still once in the trace of the mother.
  const { spans } = await traceOf(house, id, (all) => all.some(({ name }) => name === 'POST /jobs'));
  expect(spans.filter(({ span_id: span }) => span === sender).map(({ source }) => source)).toEqual([
    'engine',
  ]);
});

interface TraceAnswer {
  readonly trace_id: string;
  readonly spans: readonly {
    readonly span_id: string;
    readonly parent_id: string | null;
    readonly name: string;
    readonly source: string;
    readonly duration_ms: number | null;
    readonly error: string | null;
  }[];
}

/** Spans reach the database within seconds. */
async function traceOf(
  house: House,
  id: string,
  held: (spans: TraceAnswer['spans']) => boolean,
): Promise<TraceAnswer> {
  let answer: TraceAnswer | undefined;
  await expect
    .poll(
      async () => {
        const response = await fetch(`${house.url}/jobs/${id}/trace`);
        expect(response.status).toBe(200);
        answer = (await response.json()) as TraceAnswer;
        return held(answer.spans);
      },
      { timeout: 15_000 },
    )
    .toBe(true);
  return answer as TraceAnswer;
}

test('failures are told though nothing is sampled, each attempt linked to the one before', async () => {
  const { receiver, house } = await scene({ OTEL_TRACES_SAMPLER_ARG: '0' });
  const id = await send(house, 'trace.fail', { times: 2 });
  await receiver.until((spans) => named(spans, 'process default').length === 2);
  const [first, second] = named(receiver.spans, 'process default');
  const traceId = id.replaceAll('-', '');
  expect([first?.traceId, second?.traceId]).toEqual([traceId, traceId]);
  expect(first).toMatchObject({
    spanId: jobSpanId(id, 'process', 1),
    status: { code: 2, message: 'out of luck' },
    attributes: { 'error.type': 'RangeError', 'signalbox.outcome': 'retrying', 'signalbox.attempt': 1 },
  });
  expect(second?.links).toEqual([expect.objectContaining({ traceId, spanId: first?.spanId })]);
  // The third attempt succeeded, and the requests did: they are not sampled.
  const { spans } = await traceOf(house, id, (all) => all.at(-1)?.duration_ms != null);
  expect(spans.filter(({ name }) => name === 'process default').map(({ error }) => error !== null)).toEqual([
    true,
    true,
    false,
  ]);
  expect(new Set(receiver.spans.map(({ name }) => name))).toEqual(new Set(['process default']));
});

test('requests that watch the process have no spans; the others do', async () => {
  const { receiver, house } = await scene({ OTEL_TRACES_SAMPLER_ARG: '1' });
  for (const path of ['/health', '/metrics', '/health/work', '/jobs'])
    await (await fetch(house.url + path)).text();
  await receiver.until((spans) => named(spans, 'GET /jobs').length === 1);
  const served = receiver.spans.filter(({ kind }) => kind === 2).map(({ name }) => name);
  expect(served).toEqual(['GET /jobs']);
});

test('a collector that refuses costs a counter and nothing else', async () => {
  const { receiver, house } = await scene({ OTEL_TRACES_SAMPLER_ARG: '1' });
  receiver.status = 400;
  const id = await send(house, 'trace.ask', {});
  await traceOf(house, id, (all) => all.some(({ name }) => name === 'my own step'));
  await expect
    .poll(async () => (await house.metrics.scrape('prometheus')).text, { timeout: 15_000 })
    .toMatch(/signalbox_spans_total\{sink="collector",result="failed"\} [1-9]/);
  expect((await fetch(`${house.url}/jobs/${id}`).then((answer) => answer.json())) as object).toMatchObject({
    status: 'succeeded',
  });
});

test('without tracing a job still has its own spans, and keeps the context of its caller', async () => {
  const house = await House.open({}, undefined, [failing]);
  onTestFinished(() => house.close());
  await house.startWorker();
  const traceparent = `00-${caller}-${parent}-00`;
  const id = await send(house, 'trace.fail', { times: 0 }, { traceparent });
  const { trace_id: traceId, spans } = await traceOf(
    house,
    id,
    (all) => all.length === 3 && all[2]?.duration_ms != null,
  );
  expect(traceId).toBe(caller);
  expect(spans.map(({ name }) => name)).toEqual(['send default', 'queued default', 'process default']);
  expect(spans[0]?.parent_id).toBe(parent);
  expect((await fetch(`${house.url}/jobs/${crypto.randomUUID()}/trace`)).status).toBe(404);
});
