import { PassThrough } from 'node:stream';
import { describe, expect, it } from 'vitest';
import { maxLineLength } from './line-length.js';
import { type LogOptions, openLog } from './log.js';

function opened(options: Partial<LogOptions> = {}) {
  const destination = new PassThrough({ highWaterMark: 16 * 1_024 * 1_024 });
  const log = openLog({ level: 'info', pretty: false, destination, ...options });
  const text = () => String(destination.read() ?? '');
  const lines = () =>
    text()
      .split('\n')
      .filter((line) => line !== '')
      .map((line) => JSON.parse(line) as Record<string, unknown>);
  return { log, logger: log.logger, text, lines };
}

describe('the log', () => {
  it('writes one JSON line with the level as a word, and nothing below its level', () => {
    const { logger, log, lines } = opened();
    logger.debug({}, 'too little');
    logger.child({ job_id: 'j' }).warn({ attempt: 2 }, 'careful');
    expect(lines()).toMatchObject([{ level: 'warn', msg: 'careful', job_id: 'j', attempt: 2 }]);
    expect(log.counts.written).toEqual({ debug: 0, info: 0, warn: 1, error: 0 });
  });

  it('hides what secrets are called, in lists and in what a child always says, and changes nothing it was given', () => {
    const { logger, lines } = opened();
    const given = {
      list: [{ token: 's3cret', n: 1 }],
      plain: [1, 2],
      a: { b: { c: { d: { password: 's3cret' } } } },
    };
    logger
      .child({ cookie: 's3cret' })
      .child({ x: { secret: 's3cret' } })
      .info(given, 'hello');
    expect(lines()).toMatchObject([
      {
        cookie: '(hidden)',
        x: { secret: '(hidden)' },
        list: [{ token: '(hidden)', n: 1 }],
        plain: [1, 2],
        a: { b: { c: { d: { password: '(hidden)' } } } },
      },
    ]);
    expect(given.list).toEqual([{ token: 's3cret', n: 1 }]);
  });

  it('hides secrets by shape in messages, stacks, causes, keys and what makes JSON of itself, and those it knows', () => {
    const { logger, text } = opened({ secrets: ['the-api-key-of-this-house'] });
    const cause = new Error('at redis://:s3cret-s3cret@cache:6379');
    const error = Object.assign(new Error('Bearer s3cret1234567890', { cause }), {
      config: { apiKey: 's3cret' },
    });
    logger.error({ error }, 'no Bearer s3cret1234567890');
    logger.error({ err: error, toJson: { toJSON: () => ({ password: 's3cret' }) } }, 'again');
    logger.info({ 'the-api-key-of-this-house': 1 }, 'with the-api-key-of-this-house');
    const written = text();
    expect(written).not.toMatch(/s3cret|the-api-key/);
    expect(written).toContain('log.test.ts');
  });

  it('gathers lines for a moment when it is buffered; a warning takes all before it along', async () => {
    const { logger, text } = opened({ buffered: true });
    logger.info({}, 'first');
    expect(text()).toBe('');
    logger.warn({}, 'second');
    expect(text()).toMatch(/first.*\n.*second.*\n$/);
    logger.info({}, 'third');
    await expect.poll(text, { timeout: 30_000 }).toContain('third');
    logger.info({ text: 'x'.repeat(20_000) }, 'too much to hold');
    expect(text()).toContain('too much to hold');
  });

  it('writes one line for people, too, with as little in it that is secret', () => {
    const { logger, text } = opened({ pretty: true });
    logger.info({ roles: 'server', token: 's3cret' }, 'runs');
    const written = text();
    expect(written.trim().split('\n')).toHaveLength(1);
    expect(written).toContain('runs');
    expect(written).toContain('server');
    expect(written).not.toContain('s3cret');
  });

  it('says what a tracer says, and lets the line win', () => {
    let present: Record<string, unknown> | undefined = { trace_id: 't1', span_id: 's1' };
    const { logger, lines } = opened({ context: () => present });
    logger.info({ span_id: 'own' }, 'a');
    present = undefined;
    logger.info({}, 'b');
    expect(lines()).toMatchObject([{ trace_id: 't1', span_id: 'own' }, { msg: 'b' }]);
    expect(present).toBeUndefined();
  });

  it('cuts a line that is too long and keeps what it is found by', () => {
    const { logger, lines } = opened();
    logger.info({ job_id: 'j', data: 'x'.repeat(100_000), n: 1 }, 'one field');
    logger.info(
      Object.fromEntries(Array.from({ length: 100 }, (_, n) => [`f${n}`, 'y'.repeat(3_000)])),
      'many',
    );
    const [one, many] = lines();
    expect(one).toMatchObject({ job_id: 'j', n: 1, msg: 'one field', cut: true });
    expect(one?.data).toMatch(/^x{4000}… \(100000 characters\)$/);
    expect(many).toMatchObject({ level: 'info', msg: 'many', cut: true });
    for (const line of [one, many]) expect(JSON.stringify(line).length).toBeLessThan(maxLineLength);
  });

  it('leaves out what comes too fast, says so at the end, and never an error for a flood of information', async () => {
    const { log, logger, lines } = opened({ rates: { source: 10, total: 20 }, buffered: true });
    for (let n = 0; n < 10_000; n += 1) logger.info({ n }, `item ${n}`);
    logger.child({ job_id: 'j' }).error({}, 'broken');
    await log.stop();
    const written = lines();
    const items = written.filter(({ msg }) => String(msg).startsWith('item'));
    expect(items.length).toBeGreaterThanOrEqual(50);
    // What the bucket gained while a slow machine wrote.
    expect(items.length).toBeLessThan(1_000);
    expect(written).toContainEqual(expect.objectContaining({ level: 'error', msg: 'broken', job_id: 'j' }));
    expect(written.at(-1)).toMatchObject({ level: 'info', like: 'item #', left_out: 10_000 - items.length });
    expect(log.counts.leftOut.info).toBe(10_000 - items.length);
  });
});
