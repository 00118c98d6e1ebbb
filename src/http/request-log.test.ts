import { afterEach, describe, expect, it } from 'vitest';
import type { Logger } from '../foundation/logger.js';
import type { HttpApp } from './app.js';
import { createToyApp } from './testing/toy-app.js';

const traceId = '4bf92f3577b34da6a3ce929d0e0e4736';
const spanId = '00f067aa0ba902b7';

let app: HttpApp | undefined;
afterEach(() => app?.close());

async function linesOf(url: string, headers: Record<string, string>) {
  const lines: { fields: Record<string, unknown>; message: string }[] = [];
  const record = (fields: object, message: string) =>
    void lines.push({ fields: { ...fields } as Record<string, unknown>, message });
  const logger: Logger = { debug: record, info: record, warn: record, error: record, child: () => logger };
  app = await createToyApp({ logger });
  app.get('/work', { config: { permission: 'public' } }, async (request) => {
    request.logger.warn({ step: 1 }, 'working');
    request.logger.child({ part: 'a' }).info({}, 'in a part');
    return {};
  });
  await app.inject({ url, headers: { 'x-request-id': 'r-1', ...headers } });
  return lines;
}

describe('lines about a request', () => {
  it('say which one it is and where it stands in a trace, whoever logs them', async () => {
    const lines = await linesOf('/work', { traceparent: `00-${traceId}-${spanId}-01` });
    const fields = { trace_id: traceId, span_id: spanId, request_id: 'r-1' };
    expect(lines).toEqual([
      { fields: { ...fields, step: 1 }, message: 'working' },
      { fields: { ...fields, part: 'a' }, message: 'in a part' },
      { fields: expect.objectContaining({ ...fields, status: 200, route: '/work' }), message: 'answered' },
    ]);
  });

  it('do so when it fails', async () => {
    const lines = await linesOf('/broken', { traceparent: `00-${traceId}-${spanId}-00` });
    const fields = { trace_id: traceId, span_id: spanId, request_id: 'r-1' };
    expect(lines.map(({ message }) => message)).toEqual(['a request failed', 'answered']);
    for (const line of lines) expect(line.fields).toMatchObject(fields);
  });

  it.each([
    '',
    'nonsense',
    `00-${'0'.repeat(32)}-${spanId}-01`,
    `00-${traceId}-${spanId}-01\\n{"level":"error"}`,
  ])('say nothing of a trace when the header is no traceparent: %j', async (traceparent) => {
    for (const { fields } of await linesOf('/work', { traceparent })) {
      expect(Object.keys(fields)).not.toContain('trace_id');
      expect(Object.keys(fields)).not.toContain('span_id');
    }
  });
});
