import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { type LokiOptions, LokiPusher } from './loki-pusher.js';
import { lokiTargetOf } from './loki-target.js';
import { LokiReceiver } from './testing/loki-receiver.js';

let loki: LokiReceiver;
let pusher: LokiPusher | undefined;
let told: { fields: Record<string, unknown>; message: string }[];

beforeEach(async () => {
  loki = await LokiReceiver.start();
  told = [];
});
afterEach(async () => {
  await pusher?.stop(0);
  pusher = undefined;
  await loki.stop();
});

const unset = {
  lokiUrl: undefined,
  lokiUser: undefined,
  lokiPassword: undefined,
  lokiToken: undefined,
  lokiTenant: undefined,
};
const quick = { batchMs: 5, backoff: { initialMs: 5, factor: 2, maxMs: 20, jitter: 0 } } as const;

function start(
  options: Partial<LokiOptions> = {},
  settings: Partial<Parameters<typeof lokiTargetOf>[0]> = {},
): LokiPusher {
  const target = lokiTargetOf({ ...unset, lokiUrl: loki.url, ...settings }, 'test');
  if (target === undefined) throw new Error('no target');
  pusher = new LokiPusher(
    target,
    (_level, fields, message) => void told.push({ fields: fields as Record<string, unknown>, message }),
    { ...quick, ...options },
  );
  return pusher;
}

const line = (n: number, more: object = {}) => `${JSON.stringify({ n, ...more })}\n`;
/** Machines may be slow. */
const eventually = <T>(read: () => T) => expect.poll(read, { timeout: 30_000 });
const numbers = () => loki.lines.map(({ line: { n } }) => n);

describe('a push', () => {
  it('brings every line in order, with few labels and everything else in the line', async () => {
    const pushing = start();
    for (let n = 0; n < 2_500; n += 1)
      pushing.push(n % 2 === 0 ? 'info' : 'error', line(n, { job_id: `j${n}` }));
    await loki.until(() => loki.lines.length === 2_500);
    await eventually(() => pushing.counts).toMatchObject({ pushed: 2_500, held: 0 });
    expect(new Set(loki.lines.map(({ labels }) => JSON.stringify(labels)))).toEqual(
      new Set(
        ['info', 'error'].map((level) =>
          JSON.stringify({ service: 'signalbox', environment: 'test', level }),
        ),
      ),
    );
    const sorted = [...loki.lines].sort((a, b) => (BigInt(a.at) < BigInt(b.at) ? -1 : 1));
    expect(sorted.map(({ line: { n } }) => n)).toEqual(Array.from({ length: 2_500 }, (_, n) => n));
    const seconds = Number(BigInt(sorted[0]?.at ?? 0) / 1_000_000_000n);
    expect(Math.abs(seconds - Date.now() / 1_000)).toBeLessThan(600);
    expect(loki.pushes).toBeLessThan(20);
    expect(told).toEqual([]);
  });

  it.each([
    [
      'a token',
      { lokiToken: 'tok-1', lokiTenant: 'team' },
      { authorization: 'Bearer tok-1', 'x-scope-orgid': 'team' },
    ],
    ['a user', { lokiUser: 'u', lokiPassword: 'p' }, { authorization: `Basic ${btoa('u:p')}` }],
  ])('says who it is with %s', async (_with, settings, headers) => {
    start({}, settings).push('info', line(1));
    await loki.until(() => loki.lines.length === 1);
    expect(loki.headers[0]).toMatchObject({ 'content-type': 'application/json', ...headers });
  });

  it.each(['', '/', '/loki/api/v1/push', '/loki/api/v1/push/'])('finds the API from %j', async (path) => {
    start({}, { lokiUrl: `${loki.url.replace('://', '://us%20er:pa%ss@')}${path}` }).push('info', line(1));
    await loki.until(() => loki.lines.length === 1);
    expect(loki.paths).toEqual(['/loki/api/v1/push']);
    expect(loki.headers[0]?.authorization).toBe(`Basic ${btoa('us er:pa%ss')}`);
  });

  it('is not sent where it is redirected to', async () => {
    loki.answer = (response) => response.writeHead(307, { location: `${loki.url}/elsewhere` }).end();
    const pushing = start();
    pushing.push('info', line(1));
    await eventually(() => pushing.counts.dropped.refused).toBe(1);
    expect(loki.pushes).toBe(1);
  });
});

describe('a Loki that fails', () => {
  it.each([429, 500, 503])('for a while with %i is tried again, and gets every line once', async (status) => {
    loki.answer = (response, push) => response.writeHead(push <= 3 ? status : 204).end();
    const pushing = start();
    for (let n = 0; n < 10; n += 1) pushing.push('info', line(n));
    await loki.until(() => loki.lines.length === 10);
    expect(numbers()).toEqual([0, 1, 2, 3, 4, 5, 6, 7, 8, 9]);
    expect(loki.pushes).toBe(4);
    await eventually(() => pushing.counts).toMatchObject({ pushed: 10, dropped: { failed: 0 } });
  });

  it.each([400, 401, 413])(
    'with %i is not asked again: those lines are counted, others go on',
    async (status) => {
      loki.answer = (response, push) => {
        if (push === 1) response.writeHead(status).end('entry too far behind');
        else response.writeHead(204).end();
      };
      const pushing = start();
      pushing.push('info', line(1));
      await eventually(() => pushing.counts.dropped.refused).toBe(1);
      pushing.push('info', line(2));
      await loki.until(() => loki.lines.length === 1);
      expect(numbers()).toEqual([2]);
      await expect
        .poll(() => told)
        .toMatchObject([{ fields: { dropped: 1, error: `HTTP ${status}: entry too far behind` } }]);
    },
  );

  it('for good costs a bounded number of tries, and then the lines', async () => {
    loki.answer = (response) => response.writeHead(500).end();
    const pushing = start({ tries: 4 });
    pushing.push('info', line(1));
    await eventually(() => pushing.counts.dropped.failed).toBe(1);
    expect(loki.pushes).toBe(4);
    expect(pushing.counts.held).toBe(0);
  });

  it('and sends an answer without end is not listened to', async () => {
    loki.answer = (response) => {
      response.writeHead(500);
      const more = () =>
        void (response.destroyed || response.write('x'.repeat(1_000), () => setImmediate(more)));
      more();
    };
    const pushing = start({ tries: 2 });
    pushing.push('info', line(1));
    await eventually(() => pushing.counts.dropped.failed).toBe(1);
  });

  it('by saying nothing is given up on in time', async () => {
    loki.answer = () => undefined;
    const pushing = start({ requestMs: 50, tries: 2 });
    pushing.push('info', line(1));
    await eventually(() => pushing.counts.dropped.failed).toBe(1);
    expect(loki.pushes).toBe(2);
  });

  it('holds a bounded number of lines and bytes; what finds no room is counted and told', async () => {
    loki.answer = () => undefined;
    const pushing = start({ lines: 100, bytes: 10_000, batchLines: 10, tellMs: 600_000 });
    for (let n = 0; n < 5_000; n += 1) pushing.push('info', line(n));
    expect(pushing.counts).toMatchObject({ held: 100, dropped: { full: 4_900 } });
    await loki.until(() => loki.pushes === 1);
    for (let n = 0; n < 5_000; n += 1) pushing.push('info', line(n));
    expect(pushing.counts).toMatchObject({ held: 100, dropped: { full: 9_900 } });
    await eventually(() => told).toHaveLength(1);
    expect(told[0]?.message).toBe('log lines do not reach Loki and were dropped');

    await pushing.stop(0);
    const few = start({ bytes: 10_000 });
    for (let n = 0; n < 5; n += 1) few.push('info', line(n, { text: 'ü'.repeat(2_000) }));
    expect(few.counts).toMatchObject({ held: 2, dropped: { full: 3 } });
  });

  it('is told of once in a while, with the count of all that time', async () => {
    await loki.stop();
    const pushing = start({ tries: 1, tellMs: 1_000, batchLines: 1 });
    for (let n = 0; n < 20; n += 1) pushing.push('info', line(n));
    await eventually(() => pushing.counts.dropped.failed).toBe(20);
    pushing.push('info', line(20));
    const sum = () => told.reduce((all, { fields }) => all + Number(fields.dropped), 0);
    await eventually(sum).toBe(21);
    expect(told.length).toBeLessThan(10);
  });
});

describe('the end', () => {
  it('brings what is left, at once', async () => {
    const pushing = start({ batchMs: 600_000 });
    for (let n = 0; n < 1_500; n += 1) pushing.push('info', line(n));
    await pushing.stop(30_000);
    expect(loki.lines).toHaveLength(1_500);
    expect(pushing.counts).toMatchObject({ pushed: 1_500, held: 0 });
    pushing.push('info', line(1));
    expect(pushing.counts.dropped.stopped).toBe(1);
    await pushing.stop(30_000);
  });

  it('does not wait for one that says nothing, and counts what is lost', async () => {
    loki.answer = () => undefined;
    const pushing = start({ batchLines: 10, tries: 1_000 });
    for (let n = 0; n < 500; n += 1) pushing.push('info', line(n));
    await loki.until(() => loki.pushes === 1);
    const started = performance.now();
    await pushing.stop(100);
    // Its time-out alone is 10 s.
    expect(performance.now() - started).toBeLessThan(8_000);
    expect(pushing.counts).toMatchObject({ pushed: 0, held: 0, dropped: { stopped: 500 } });
    expect(told).toHaveLength(1);
  });

  it('does not wait between tries', async () => {
    await loki.stop();
    const patient = { initialMs: 600_000, factor: 1, maxMs: 600_000, jitter: 0 };
    const pushing = start({ backoff: patient, batchLines: 1 });
    for (let n = 0; n < 5; n += 1) pushing.push('info', line(n));
    await pushing.stop(600_000);
    expect(pushing.counts).toMatchObject({ held: 0, dropped: { stopped: 5 } });
  });
});
