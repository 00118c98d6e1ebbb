import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { Redactor } from './redactor.js';
import { hostileText, ordinaryText, plantedSecret } from './testing/secrets.js';

const redactor = new Redactor();
const runs = { numRuns: 2_000 };

function shownOf<T>(value: T): T {
  return JSON.parse(redactor.line(JSON.stringify(value))) as T;
}

describe('secrets in lines', () => {
  it.each([
    ['a bearer token', 'sent Bearer abcdef123456 to', 'sent Bearer (hidden) to'],
    ['an OpenAI key', 'key sk-proj-abcDEF0123456789 bad', 'key sk-(hidden) bad'],
    ['an address', 'at postgres://app:p@ss:w@rd@db:5432/x', 'at postgres://app:(hidden)@db:5432/x'],
    ['a parameter', 'GET /a?token=abc&page=2', 'GET /a?token=(hidden)&page=2'],
    ['a quoted value', 'password="a b", next', 'password="(hidden)", next'],
    ['a header', 'Cookie: a=b; c=d\nAccept: */*', 'Cookie: (hidden)\nAccept: */*'],
    ['a key block', '-----BEGIN PRIVATE KEY-----\nab\n-----END PRIVATE KEY----- end', '(hidden) end'],
    ['a key block that is cut off', 'x -----BEGIN RSA PRIVATE KEY-----\nabc', 'x (hidden)'],
    ['JSON', '{"n":1,"secret":{"a":["}",2]},"z":3}', '{"n":1,"secret":"(hidden)","z":3}'],
    ['a number', '{"token": 12345}', '{"token": "(hidden)"}'],
  ])('are hidden: %s', (_what, given, shown) => {
    expect(redactor.text(given)).toBe(shown);
    expect(shownOf({ msg: given, deep: [{ text: given }] })).toEqual({ msg: shown, deep: [{ text: shown }] });
  });

  it('are hidden by the name of their field at any depth, whatever they are', () => {
    const secret = {
      apiKey: 's3cret',
      Authorization: ['s3cret'],
      DB_PASSWORD: 12_345,
      cookie: { a: 's3cret"}' },
    };
    let deep: object = secret;
    for (let depth = 0; depth < 30; depth += 1) deep = { deep };
    const shown = redactor.line(JSON.stringify({ deep, tokens: 3, key: 'images/a.png', token: null }));
    expect(shown).not.toMatch(/s3cret|12345/);
    expect(JSON.parse(shown)).toMatchObject({ tokens: 3, key: 'images/a.png', token: null });
  });

  it('are hidden when they are known, in every spelling', () => {
    const key = 'my own "key" \\ with 100% of all';
    const knowing = new Redactor([key, 'postgres', 'postgres://u:a-long-password-1@h/d']);
    const shown = knowing.line(
      JSON.stringify({
        a: key,
        b: JSON.stringify({ key }),
        c: `/?k=${encodeURIComponent(key)}`,
        d: 'a-long-password-1',
      }),
    );
    expect(JSON.parse(shown)).toEqual({
      a: '(hidden)',
      b: '{"key":"(hidden)"}',
      c: '/?k=(hidden)',
      d: '(hidden)',
    });
    expect(knowing.text('the embedded postgres')).toBe('the embedded postgres');
    // A backslash and an n, of which the n is nobody's first letter.
    expect(new Redactor(['n-twelve-letters']).text('\n-twelve-letters')).toBe('\n-twelve-letters');
  });

  it('never survive, whatever stands around them and however deep', () => {
    const start = fc.constantFrom('', ' ', '\n', '"', '=', ': ', '(', '[', "'", '\u001b[31m', '\t', ',');
    const end = fc.constantFrom('', ' ', '\n', '"', ')', ']', "'", '.', ',', ' and more', '\\');
    fc.assert(
      fc.property(
        ordinaryText,
        start,
        plantedSecret,
        end,
        fc.integer({ min: 0, max: 2 }),
        (text, before, secret, after, depth) => {
          let planted = `${text}${before}${secret.text}${after}`;
          let { hidden } = secret;
          for (let n = 0; n < depth; n += 1) {
            planted = JSON.stringify({ upstream: planted });
            hidden = JSON.stringify(hidden).slice(1, -1);
          }
          const line = redactor.line(
            JSON.stringify({ level: 'error', msg: planted, err: { stack: planted } }),
          );
          const shown = JSON.parse(line) as { msg: string; err: { stack: string } };
          for (const told of [shown.msg, shown.err.stack]) expect(told).not.toContain(hidden);
        },
      ),
      runs,
    );
  });

  it('are hidden by name in JSON in strings in JSON, whatever they hold', () => {
    fc.assert(
      fc.property(fc.json(), fc.string(), fc.integer({ min: 0, max: 3 }), (json, text, depth) => {
        let planted = JSON.stringify({ a: text, secret: { marker: 's3cret-marker', json, text }, z: text });
        for (let n = 0; n < depth; n += 1) planted = JSON.stringify({ inner: planted, after: 1 });
        let shown: unknown = JSON.parse(redactor.line(planted));
        for (let n = 0; n < depth; n += 1) {
          expect(shown).toHaveProperty('after', 1);
          shown = JSON.parse((shown as { inner: string }).inner);
        }
        expect(shown).toHaveProperty('secret', '(hidden)');
      }),
      runs,
    );
  });
});

describe('everything else', () => {
  it('stays as it is', () => {
    fc.assert(
      fc.property(ordinaryText, (text) => {
        expect(redactor.text(text)).toBe(text);
        expect(shownOf({ msg: text, list: [text, 1, null] })).toEqual({ msg: text, list: [text, 1, null] });
      }),
      runs,
    );
  });

  it('stays JSON, and a second look finds nothing new, whatever strangers send', () => {
    fc.assert(
      fc.property(hostileText, hostileText, (one, other) => {
        const line = redactor.line(JSON.stringify({ [one]: other, msg: one, list: [{ [other]: one }] }));
        expect(() => JSON.parse(line)).not.toThrow();
        expect(redactor.line(line)).toBe(line);
        const text = redactor.text(one + other);
        expect(redactor.text(text)).toBe(text);
        // Not JSON at all.
        redactor.line(one + other);
      }),
      { numRuns: 5_000 },
    );
  });

  it.each([
    ...[
      'a',
      'sk-',
      'eyJ',
      'eyJabcdefgh.',
      '://',
      '://a:',
      '://a:b@',
      '://a:(hidden)',
      'password=',
      'password="',
    ],
    ...[
      '"password":"',
      '"password":{',
      '{"a":[',
      '\\',
      '\\"',
      '"',
      "'",
      '-----BEGIN PRIVATE KEY-----',
      '-----BEGIN ',
    ],
    ...[
      '-----END PRIVATE KEY-----',
      'Bearer ',
      'cookie: ',
      'AKIA',
      'AKIA0123456789ABCDEF',
      'token":[',
      '\\\\\\"token\\\\\\":',
    ],
    ...['hooks.slack.com/services/', 'ghp_0123456789', 'password="\\'],
  ])('costs a mebibyte of %j no more than its length', (unit) => {
    const text = unit.repeat(Math.ceil(1_048_576 / unit.length));
    const before = process.cpuUsage();
    redactor.line(JSON.stringify(text));
    redactor.line(text);
    const { user, system } = process.cpuUsage(before);
    // A tenth of a second when it is quiet; minutes if any shape looked again at what it has seen.
    expect((user + system) / 1_000).toBeLessThan(5_000);
  });
});
