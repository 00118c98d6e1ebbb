import { describe, expect, it } from 'vitest';
import {
  firstLine,
  formatAge,
  formatClock,
  formatCount,
  formatDistance,
  formatDuration,
  formatWait,
  plural,
} from './format.js';

describe('numbers', () => {
  it.each([
    [0, '0'],
    [1_234, '1,234'],
    [1_200_000, '1.2M'],
    [undefined, '–'],
    [null, '–'],
    [Number.NaN, '–'],
  ])('count %s', (count, text) => expect(formatCount(count)).toBe(text));

  it.each([
    [0, '0 ms'],
    [-5, '0 ms'],
    [840.9, '840 ms'],
    [999.9, '999 ms'],
    [12_449, '12.4 s'],
    [59_999, '59.9 s'],
    [192_000, '3 m 12 s'],
    [300_000, '5 m'],
    [7_500_000, '2 h 5 m'],
    [90_000_000, '1 d 1 h'],
    [null, '–'],
  ])('duration of %s ms', (ms, text) => expect(formatDuration(ms)).toBe(text));

  it.each([
    [-5, '0 s'],
    [59_999, '59 s'],
    [60_000, '1 m'],
    [3_600_000, '1 h'],
    [86_400_000, '1 d'],
    [undefined, '–'],
  ])('age of %s ms', (ms, text) => expect(formatAge(ms)).toBe(text));

  it('waits in whole seconds', () => {
    expect([formatWait(-1), formatWait(41_900), formatWait(134_000)]).toEqual(['0 s', '41 s', '2 m 14 s']);
  });

  it('distances both ways', () => {
    expect(formatDistance(0, 3_000)).toBe('3 s ago');
    expect(formatDistance(3_000, 0)).toBe('in 3 s');
    expect(formatDistance(500, 0)).toBe('now');
    expect(formatDistance(Number.NaN, 0)).toBe('–');
  });

  it('clock, lines, plurals', () => {
    expect(formatClock(new Date(2026, 0, 2, 3, 4, 5).getTime())).toBe('03:04:05');
    expect(firstLine('a\r\nb')).toBe('a');
    expect([plural(1, 'job'), plural(2_000, 'job')]).toEqual(['1 job', '2,000 jobs']);
  });
});
