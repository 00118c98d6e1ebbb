import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { TokenBucket } from './token-bucket.js';

describe('a token bucket', () => {
  it('gives so many at once, and after that so many a second', () => {
    const bucket = new TokenBucket(10, 3);
    const taken = (nowMs: number) =>
      Array.from({ length: 5 }, () => bucket.take(nowMs)).filter(Boolean).length;
    expect(taken(0)).toBe(3);
    expect(bucket.isFull(100)).toBe(false);
    expect(taken(100)).toBe(1);
    expect(taken(350)).toBe(2);
    expect(taken(60_000)).toBe(3);
    expect(bucket.isFull(120_000)).toBe(true);
  });

  it('never gives more than its burst and its rate, however it is asked', () => {
    fc.assert(
      fc.property(fc.array(fc.integer({ min: 0, max: 50 }), { maxLength: 300 }), (pauses) => {
        const bucket = new TokenBucket(100, 20);
        let now = 0;
        let taken = 0;
        for (const pause of pauses) {
          now += pause;
          if (bucket.take(now)) taken += 1;
        }
        expect(taken).toBeLessThanOrEqual(20 + now / 10 + 1);
      }),
    );
  });
});
