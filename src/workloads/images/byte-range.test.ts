import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { parseRange } from './byte-range.js';
import { contentDisposition } from './send-object.js';

describe('parseRange', () => {
  it.each([
    [undefined, 'whole'],
    ['', 'whole'],
    ['bytes=0-0', { first: 0, last: 0 }],
    ['bytes=0-', { first: 0, last: 99 }],
    ['Bytes=5-9', { first: 5, last: 9 }],
    ['bytes=90-1000', { first: 90, last: 99 }],
    ['bytes=-10', { first: 90, last: 99 }],
    ['bytes=-1000', { first: 0, last: 99 }],
    ['bytes=100-', 'unsatisfiable'],
    ['bytes=100-200', 'unsatisfiable'],
    ['bytes=-0', 'unsatisfiable'],
    ['bytes=9-5', 'whole'],
    ['bytes=-', 'whole'],
    ['bytes=a-b', 'whole'],
    ['bytes=0-1,5-6', 'whole'],
    ['lines=0-1', 'whole'],
    ['bytes=99999999999999999999-', 'whole'],
  ])('%j of 100 bytes', (header, expected) => {
    expect(parseRange(header, 100)).toEqual(expected);
  });

  it('never leaves the object, whatever is asked', () => {
    fc.assert(
      fc.property(
        fc.string(),
        fc.option(fc.nat()),
        fc.option(fc.nat()),
        fc.nat(1_000),
        (text, from, to, total) => {
          for (const header of [text, `bytes=${from ?? ''}-${to ?? ''}`]) {
            const range = parseRange(header, total);
            if (typeof range === 'string') continue;
            expect(range.first).toBeGreaterThanOrEqual(0);
            expect(range.first).toBeLessThanOrEqual(range.last);
            expect(range.last).toBeLessThan(total);
          }
        },
      ),
    );
    expect(parseRange('bytes=0-', 0)).toBe('unsatisfiable');
  });
});

describe('contentDisposition', () => {
  it('is one header line of ASCII, whatever the name', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary' }), (name) => {
        expect(contentDisposition(name)).toMatch(
          /^inline; filename="[\w.() -]+"; filename\*=UTF-8''[\w.~!%-]*$/,
        );
      }),
    );
    expect(contentDisposition('größer (1).jpg')).toBe(
      `inline; filename="groer (1).jpg"; filename*=UTF-8''gr%C3%B6%C3%9Fer%20%281%29.jpg`,
    );
  });
});
