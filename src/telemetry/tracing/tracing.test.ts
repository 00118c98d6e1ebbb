import { trace } from '@opentelemetry/api';
import { describe, expect, it, onTestFinished } from 'vitest';
import { loadConfig } from '../../config/load.js';
import { createTestDatabase } from '../../database/testing/test-database.js';
import { newId } from '../../foundation/ids.js';
import { silentLogger as logger } from '../../foundation/logger.js';
import { JobTracer } from './job-tracer.js';
import { isJobSampled, isSampled } from './sampling.js';
import { tracingSection } from './settings.js';
import { SpanBuffer } from './span-buffer.js';
import type { KeptSpan } from './store/kept-span.js';
import { pruneSpans, readSpans, saveSpans } from './store/store.js';
import { collectorOf, parseHeaders } from './target.js';

const read = (env: Record<string, string>) => loadConfig([tracingSection], { env }).get(tracingSection);

describe('the settings', () => {
  it('take the spellings of OpenTelemetry and of the guides', () => {
    expect(collectorOf(read({}))).toBeUndefined();
    expect(
      collectorOf(
        read({ OTLP_ENDPOINT: 'https://otlp.example.com/otlp/', OTLP_HEADERS: 'Authorization=Bearer a=b' }),
      ),
    ).toEqual({ url: 'https://otlp.example.com/otlp/v1/traces', headers: { Authorization: 'Bearer a=b' } });
    const exact = { OTEL_EXPORTER_OTLP_TRACES_ENDPOINT: 'http://127.0.0.1:4318/spans' };
    expect(collectorOf(read(exact))?.url).toBe('http://127.0.0.1:4318/spans');
    expect(read({ SENTRY_TRACES_SAMPLE_RATE: '0.05' }).sampleRate).toBe(0.05);
  });

  it.each([
    { OTEL_TRACES_SAMPLER_ARG: '1.1' },
    { OTEL_TRACES_SAMPLER_ARG: 'all' },
    { OTLP_HEADERS: 'a=b' },
    { OTLP_ENDPOINT: 'http://127.0.0.1', OTLP_HEADERS: 'no pair' },
    { OTLP_ENDPOINT: 'otlp.example.com:4318' },
    { SIGNALBOX_TRACING: 'maybe' },
  ])('refuse %j', (env) => {
    expect(() => read(env)).toThrow(expect.objectContaining({ code: 'config_invalid' }));
  });

  it('read headers, percent-encoded or not', () => {
    expect(parseHeaders('a=b%20c, d=100%')).toEqual({ a: 'b c', d: '100%' });
    expect(parseHeaders('a=b\r\nc: d')).toBeUndefined();
  });
});

describe('sampling', () => {
  it('takes about its share, all of them or none', () => {
    const ids = Array.from({ length: 20_000 }, () => newId());
    const share = (rate: number) =>
      ids.filter((id) => isJobSampled({ id, traceParent: null }, rate)).length / ids.length;
    expect(share(0)).toBe(0);
    expect(share(1)).toBe(1);
    expect(share(0.1)).toBeGreaterThan(0.08);
    expect(share(0.1)).toBeLessThan(0.12);
  });

  it('decides alike by the id of a job and by its trace, and lets the caller decide', () => {
    for (let n = 0; n < 1_000; n += 1) {
      const id = newId();
      expect(isJobSampled({ id, traceParent: null }, 0.5)).toBe(isSampled(id.replaceAll('-', ''), 0.5));
    }
    const of = (flags: string) => `00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-${flags}`;
    expect(isJobSampled({ id: newId(), traceParent: of('01') }, 0)).toBe(true);
    expect(isJobSampled({ id: newId(), traceParent: of('00') }, 1)).toBe(false);
  });
});

describe('the buffer', () => {
  function bufferOf(write: (items: readonly number[]) => Promise<void>) {
    const counts: Record<string, number> = {};
    const count = (result: string, items: number) => {
      counts[result] = (counts[result] ?? 0) + items;
    };
    const options = { name: 'test', logger, capacity: 10, maxBatch: 4, batchMs: 1 };
    return { counts, buffer: new SpanBuffer<number>({ ...options, write, count }) };
  }

  it('counts each span once, whatever becomes of it', async () => {
    let release = () => {};
    const held = new Promise<void>((resolve) => {
      release = resolve;
    });
    const { counts, buffer } = bufferOf(() => held);
    for (let n = 0; n < 15; n += 1) buffer.add(n);
    expect(counts).toEqual({ full: 5 });
    release();
    await buffer.stop(10_000);
    buffer.add(16);
    expect(counts).toEqual({ full: 5, written: 10, stopped: 1 });
  });

  it('does not wait at the end for who does not answer', async () => {
    const { counts, buffer } = bufferOf(() => new Promise(() => undefined));
    for (let n = 0; n < 6; n += 1) buffer.add(n);
    await buffer.stop(20);
    expect(counts).toEqual({ stopped: 6 });
  });

  it('gives up at the end what nobody takes', async () => {
    const { counts, buffer } = bufferOf(async () => {
      throw new Error('away');
    });
    for (let n = 0; n < 10; n += 1) buffer.add(n);
    await buffer.stop(10_000);
    expect((counts.failed ?? 0) + (counts.stopped ?? 0)).toBe(10);
    expect(counts.failed).toBeGreaterThanOrEqual(4);
  });
});

it('keeps what a handler may name its spans, and forgets it in time', async () => {
  const db = await createTestDatabase();
  onTestFinished(() => db.drop());
  const jobId = newId();
  const traceId = jobId.replaceAll('-', '');
  const span: KeptSpan = {
    traceId,
    spanId: '00f067aa0ba902b7',
    parentId: null,
    jobId,
    name: 'a\0b\ud800',
    kind: 'client',
    startedAt: new Date(),
    durationUs: 1_500,
    error: null,
    attributes: { text: 'c\0\ud800', backslash: '\\u0000' },
  };
  const old = { ...span, spanId: '00f067aa0ba902b8', startedAt: new Date(Date.now() - 60_000) };
  await saveSpans(db.database, [span, old]);
  await saveSpans(db.database, [span]);
  const of = { traceId, jobId, limit: 10 };
  expect((await readSpans(db.database, of)).map(({ spanId }) => spanId)).toEqual([old.spanId, span.spanId]);
  expect(await pruneSpans(db.database, 30_000, 10)).toBe(1);
  expect(await readSpans(db.database, of)).toEqual([
    { ...span, name: 'ab\ufffd', attributes: { text: 'c\ufffd', backslash: '\\u0000' } },
  ]);
  expect(await readSpans(db.database, { ...of, jobId: newId() })).toEqual([]);
});

it('records so many attempts a second and no more, and as many failures; the rest is counted', () => {
  const started: string[] = [];
  let limited = 0;
  const span = trace.wrapSpanContext({ traceId: '1'.repeat(32), spanId: '1'.repeat(16), traceFlags: 1 });
  const tracer = new JobTracer({
    rate: 1,
    perSecond: 5,
    sends: false,
    start: ({ name }) => {
      started.push(name);
      return span;
    },
    limited: () => {
      limited += 1;
    },
    within: (_context, work) => work(),
    sent: () => undefined,
    ofJob: (context) => context,
  });
  const names = {
    task: 't',
    queue: 'q',
    attempt: 1,
    owner: null,
    tags: [],
    traceParent: null,
    workerId: 'w',
  };
  const jobs = Array.from({ length: 20 }, () => ({ ...names, id: newId() }));
  for (const job of jobs) tracer.attemptStarted(job, 0);
  expect([limited, jobs.filter((job) => tracer.middleware.wants?.(job)).length]).toEqual([15, 5]);
  for (const job of jobs)
    tracer.attemptEnded(job, 'failed', 1, 'permanent_error', { type: 'E', message: 'no' });
  expect([limited, started.length]).toEqual([25, 10]);
  expect(jobs.filter((job) => tracer.middleware.wants?.(job))).toEqual([]);
});
