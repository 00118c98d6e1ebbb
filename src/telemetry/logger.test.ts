import { PassThrough } from 'node:stream';
import { describe, expect, it } from 'vitest';
import { createLogger } from './logger.js';

function written(pretty: boolean, log: (logger: ReturnType<typeof createLogger>) => void): string {
  const destination = new PassThrough();
  log(createLogger({ level: 'info', pretty, destination }));
  return String(destination.read() ?? '');
}

describe('the logger', () => {
  it('writes one JSON line with the level as a word, and nothing below its level', () => {
    const text = written(false, (logger) => {
      logger.debug({}, 'too little');
      logger.child({ job_id: 'j' }).warn({ attempt: 2 }, 'careful');
    });
    expect(text.trim().split('\n')).toHaveLength(1);
    expect(JSON.parse(text)).toMatchObject({ level: 'warn', msg: 'careful', job_id: 'j', attempt: 2 });
  });

  it('hides what secrets are called, up to three levels deep', () => {
    const secrets = {
      authorization: 'Bearer s3cret',
      a: { password: 's3cret', b: { token: 's3cret' } },
      apiKey: 's3cret',
    };
    const text = written(false, (logger) => logger.info(secrets, 'hello'));
    expect(text).not.toContain('s3cret');
    expect(text.match(/\(hidden\)/g)).toHaveLength(4);
  });

  it('hides them in lists and in what a child always says, and changes nothing that it was given', () => {
    const given = { list: [{ token: 's3cret', n: 1 }], plain: [1, 2] };
    const text = written(false, (logger) =>
      logger
        .child({ cookie: 's3cret' })
        .child({ a: { secret: 's3cret' } })
        .info(given, 'hello'),
    );
    expect(JSON.parse(text)).toMatchObject({
      cookie: '(hidden)',
      a: { secret: '(hidden)' },
      list: [{ token: '(hidden)', n: 1 }],
      plain: [1, 2],
    });
    expect(given.list).toEqual([{ token: 's3cret', n: 1 }]);
  });

  it('gathers lines for a moment when it is buffered; a warning takes all before it along', async () => {
    const destination = new PassThrough();
    const read = () => String(destination.read() ?? '');
    const logger = createLogger({ level: 'info', pretty: false, destination, buffered: true });
    logger.info({}, 'first');
    expect(read()).toBe('');
    logger.warn({}, 'second');
    expect(read()).toMatch(/first.*\n.*second.*\n$/);
    logger.info({}, 'third');
    await expect.poll(read).toContain('third');
    logger.info({ text: 'x'.repeat(20_000) }, 'too much to hold');
    expect(read()).toContain('too much to hold');
  });

  it('writes one line for people, too', () => {
    const text = written(true, (logger) => logger.info({ roles: 'server', queues: 'all' }, 'runs'));
    expect(text.trim().split('\n')).toHaveLength(1);
    expect(text).toContain('runs');
    expect(text).toContain('server');
  });
});
