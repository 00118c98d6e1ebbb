import { afterEach, describe, expect, it, vi } from 'vitest';
import { LineLimiter } from './line-limiter.js';

const [info, warn, error] = [30, 40, 50];

function limited(rates = { source: 10, total: 20 }) {
  const told: { level: string; fields: object; message: string }[] = [];
  let now = 0;
  const limiter = new LineLimiter(
    rates,
    (level, fields, message) => void told.push({ level, fields, message }),
    () => now,
  );
  const admitted = (lines: number, level: number, message: (n: number) => string) =>
    Array.from({ length: lines }, (_, n) => limiter.admit(level, message(n))).filter(Boolean).length;
  const pass = (ms: number) => {
    now += ms;
  };
  return { limiter, told, admitted, pass };
}

afterEach(() => vi.useRealTimers());

describe('the rate of lines', () => {
  it('is bounded for one message, whatever its numbers and ids', () => {
    const { admitted, pass } = limited();
    expect(admitted(1_000, info, (n) => `try ${n} of 0199a1b2-7c3d-7e4f-8a5b-6c7d8e9f0a1b`)).toBe(50);
    expect(admitted(10, info, () => 'something else')).toBe(10);
    pass(1_000);
    expect(admitted(1_000, info, (n) => `try ${n}`)).toBe(50);
    expect(admitted(1_000, info, (n) => `try ${n} of 0199a1b2-7c3d-7e4f-8a5b-6c7d8e9f0a1b`)).toBe(10);
  });

  it('is bounded in total, however many messages there are, and what it keeps of them is too', () => {
    const { admitted } = limited();
    const random = (n: number) =>
      `${String.fromCharCode(97 + (n % 26), 97 + ((n / 26) % 26), 97 + n / 676)} ${'x'.repeat(1_000)}`;
    expect(admitted(17_000, info, random)).toBe(100);
  });

  it('of warnings and errors is their own, and larger', () => {
    const { admitted } = limited();
    expect(admitted(10_000, info, (n) => `flood ${String.fromCharCode(97 + (n % 26))}`)).toBe(100);
    expect(admitted(1_000, warn, () => 'flood a')).toBe(100);
    expect(admitted(1_000, error, () => 'broken')).toBe(100);
    expect(admitted(1_000, error, () => 'worse')).toBe(0);
  });

  it('is told once for each message, with how many were left out, 10 s after the first', () => {
    vi.useFakeTimers();
    const { limiter, told, admitted, pass } = limited();
    admitted(462, info, (n) => `got ${n}`);
    admitted(51, warn, () => 'careful');
    admitted(50, warn, () => 'careful');
    expect(told).toEqual([]);
    pass(10_000);
    vi.advanceTimersByTime(10_000);
    expect(told).toEqual([
      {
        level: 'warn',
        fields: { left_out: 1, like: 'careful' },
        message: '1 line like "careful" was left out in the last 10 s',
      },
      {
        level: 'info',
        fields: { left_out: 412, like: 'got #' },
        message: '412 lines like "got #" were left out in the last 10 s',
      },
    ]);
    expect(limiter.leftOut).toEqual({ debug: 0, info: 412, warn: 1, error: 0 });
    vi.advanceTimersByTime(60_000);
    limiter.tell();
    expect(told).toHaveLength(2);
  });

  it('needs few lines to be told of many messages', () => {
    const { limiter, told, admitted } = limited({ source: 1, total: 1 });
    admitted(1_000, info, (n) => `m${'x'.repeat(n % 90)}`);
    limiter.tell();
    expect(told).toHaveLength(21);
    const counts = told.map(({ fields }) => (fields as { left_out: number }).left_out);
    expect(counts.reduce((sum, count) => sum + count)).toBe(995);
  });
});
