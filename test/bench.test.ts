import { describe, expect, it } from 'vitest';
import { type Measure, type Outcome, rowsOf } from '../bench/lib/rows.mjs';
import { bestOf, isAccepted, median, percentile, ratioOf } from '../bench/lib/statistics.mjs';

describe('the figures of the bench', () => {
  it('takes the middle of an odd number, the mean of the two in the middle of an even one', () => {
    expect(median([3, 1, 2])).toBe(2);
    expect(median([4, 1, 2, 3])).toBe(2.5);
    expect(median([])).toBeNull();
  });

  it('takes percentiles that were measured', () => {
    const values = Array.from({ length: 100 }, (_, i) => 100 - i);
    expect([percentile(values, 0.5), percentile(values, 0.99), percentile([7], 0.99)]).toEqual([50, 99, 7]);
  });

  it('is above 1 where we are better, in either direction', () => {
    expect(ratioOf(10, 5, 'higher')).toBe(2);
    expect(ratioOf(5, 10, 'lower')).toBe(2);
    expect(ratioOf(null, 5, 'higher')).toBeNull();
    expect(ratioOf(5, 0, 'lower')).toBeNull();
  });

  it('finds the best in either direction and passes over what failed', () => {
    expect(bestOf({ a: 1, b: 3, c: null }, 'higher')).toBe('b');
    expect(bestOf({ a: 1, b: 3, c: null }, 'lower')).toBe('a');
    expect(bestOf({ c: null }, 'lower')).toBeNull();
  });

  it('accepts from the mark on, and above it where it says more than', () => {
    const row = {
      ratio: 3,
      value: 1,
      acceptedFrom: 3,
      judgedBy: 'ratio',
      better: 'higher',
      complete: true,
    } as const;
    expect(isAccepted(row)).toBe(true);
    expect(isAccepted({ ...row, strictly: true })).toBe(false);
    expect(isAccepted({ ...row, complete: false })).toBe(false);
    expect(isAccepted({ ...row, judgedBy: 'value', better: 'lower', acceptedFrom: 1 })).toBe(true);
    expect(isAccepted({ ...row, judgedBy: 'value', better: 'lower', acceptedFrom: 0.9 })).toBe(false);
  });
});

describe('a row of the bench', () => {
  const measure: Measure = {
    contenders: ['signalbox', 'one', 'two'],
    rows: [
      {
        measure: 'drain',
        unit: 'jobs/s',
        better: 'higher',
        goal: 5,
        acceptedFrom: 3,
        judgedBy: 'ratio',
        take: ({ rate }) => rate,
      },
    ],
  };
  const outcome = (...rates: number[]): Outcome => ({ samples: rates.map((rate) => ({ rate })) });
  const all = { signalbox: outcome(900, 100, 300), one: outcome(60), two: outcome(100) };
  const row = (outcomes: Record<string, Outcome>, scale = 1) =>
    rowsOf(measure, new Map(Object.entries(outcomes)), { scale })[0];

  it('compares our median with that of the best peer', () => {
    expect(row(all)).toMatchObject({ signalbox: 300, best_peer: 'two', ratio: 3, accepted: true });
  });

  it('has no number for what failed, and is not accepted when an opponent did', () => {
    const failed: Outcome = { samples: [{ rate: 999 }], failure: 'timed out' };
    expect(row({ ...all, two: failed })).toMatchObject({
      peers: { one: 60, two: null },
      best_peer: 'one',
      accepted: false,
      failures: { two: 'timed out' },
    });
    expect(row({ ...all, signalbox: failed })).toMatchObject({
      signalbox: null,
      ratio: null,
      accepted: false,
      status: 'failed',
    });
  });

  it('is never accepted when it was scaled down', () => {
    expect(row(all, 0.1)).toMatchObject({ accepted: false, status: 'scaled down' });
  });
});
