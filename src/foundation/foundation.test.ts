import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { AbortReason, abortCauseOf, waitOrAbort, withTimeout } from './abort.js';
import { type Backoff, backoffDelayMs } from './backoff.js';
import { defineErrors, isSignalboxError, messageOf } from './errors.js';
import { isId, newId } from './ids.js';
import { silentLogger } from './logger.js';
import { Loop } from './loop.js';
import { type Clock, formatDuration, systemClock } from './time.js';

describe('errors', () => {
  const errors = defineErrors({ lost: { status: 404, retryable: false, title: 'It is lost.' } });

  it('carry what their catalogue says', () => {
    const error = errors.lost('The key is lost.', { fields: [{ field: 'key', message: 'is lost' }] });
    expect(error).toMatchObject({ code: 'lost', status: 404, retryable: false, title: 'It is lost.' });
    expect(isSignalboxError(error, 'lost')).toBe(true);
    expect(isSignalboxError(error, 'found')).toBe(false);
    expect(isSignalboxError(new Error('lost'))).toBe(false);
  });

  it('show the text of anything that was thrown', () => {
    expect(messageOf('text')).toBe('text');
    expect(messageOf(new AggregateError([new Error('a'), new Error('b')]))).toBe('a; b');
  });
});

describe('ids', () => {
  it('are UUIDv7, in the order of their making', () => {
    const ids = Array.from({ length: 1_000 }, newId);
    expect([...ids].sort()).toEqual(ids);
    expect(ids.every(isId)).toBe(true);
    expect(isId('0b5f2b4e-0000-4000-8000-000000000000')).toBe(false);
  });
});

describe('abort', () => {
  it('wins over a promise that does not settle, with its typed reason', async () => {
    const controller = new AbortController();
    const waiting = waitOrAbort(new Promise(() => undefined), controller.signal);
    controller.abort(new AbortReason('cancelled', 'enough'));
    await expect(waiting).rejects.toMatchObject({ kind: 'cancelled' });
    expect(abortCauseOf(controller.signal)).toBe('cancelled');
    expect(abortCauseOf(AbortSignal.abort())).toBeUndefined();
  });

  it('limits how long a promise may take', async () => {
    await expect(withTimeout(new Promise(() => undefined), 1, 'waiting')).rejects.toMatchObject({
      kind: 'timeout',
    });
    await expect(withTimeout(Promise.resolve(1), 1_000, 'waiting')).resolves.toBe(1);
  });
});

describe('backoff', () => {
  it('stays between no delay and the longest, and grows without jitter', () => {
    const backoffs = fc.record({
      initialMs: fc.integer({ min: 1, max: 10_000 }),
      factor: fc.double({ min: 1, max: 10, noNaN: true }),
      maxMs: fc.integer({ min: 1, max: 1_000_000 }),
      jitter: fc.double({ min: 0, max: 1, noNaN: true }),
    });
    fc.assert(
      fc.property(
        backoffs,
        fc.integer({ min: 1, max: 10_000 }),
        fc.double({ min: 0, max: 1, noNaN: true }),
        (b, n, r) => {
          const delay = backoffDelayMs(b, n, () => r);
          expect(delay).toBeGreaterThanOrEqual(0);
          expect(delay).toBeLessThanOrEqual(b.maxMs);
          const steady: Backoff = { ...b, jitter: 0 };
          expect(backoffDelayMs(steady, n + 1)).toBeGreaterThanOrEqual(backoffDelayMs(steady, n));
        },
      ),
    );
  });
});

describe('time', () => {
  it('sleeps until the signal', async () => {
    const controller = new AbortController();
    const sleeping = systemClock.sleep(60_000, controller.signal);
    controller.abort();
    await sleeping;
    await systemClock.sleep(60_000, controller.signal);
  });

  it.each([
    [12.4, '12 ms'],
    [1_240, '1.2 s'],
    [180_000, '3 min'],
    [5_400_000, '1.5 h'],
  ])('shows %d ms as %s', (ms, text) => expect(formatDuration(ms)).toBe(text));
});

/** A clock whose sleeps end only when they are woken, and which notes how long they were to be. */
function heldClock(): Clock & { readonly asked: number[] } {
  const asked: number[] = [];
  return {
    asked,
    now: () => 0,
    sleep: (ms, signal) => {
      asked.push(ms);
      return systemClock.sleep(2 ** 30, signal);
    },
  };
}

describe('a loop', () => {
  it('goes on after errors, later each time, and at once when woken', async () => {
    const clock = heldClock();
    const turns: string[] = [];
    const loop = new Loop({
      name: 'test',
      intervalMs: 10,
      logger: silentLogger,
      clock,
      runOnce: async () => {
        turns.push('turn');
        if (turns.length <= 3) throw new Error('no');
      },
    });
    await loop.start();
    for (let turn = 1; turn <= 5; turn += 1) {
      while (clock.asked.length < turn) await new Promise((resolve) => setImmediate(resolve));
      expect(turns).toHaveLength(turn);
      loop.wake();
    }
    await loop.stop();
    await loop.stop();
    const [first = 0, , third = 0, fourth] = clock.asked;
    expect(first).toBeGreaterThan(10);
    expect(third).toBeGreaterThan(first);
    expect(fourth).toBe(10);
  });

  it('does not lose a wake-up that comes during a turn', async () => {
    const clock = heldClock();
    let turns = 0;
    const loop: Loop = new Loop({
      name: 'test',
      intervalMs: 10,
      logger: silentLogger,
      clock,
      runOnce: async () => {
        turns += 1;
        if (turns === 1) loop.wake();
      },
    });
    await loop.start();
    while (clock.asked.length < 1) await new Promise((resolve) => setImmediate(resolve));
    expect(turns).toBe(2);
    await loop.stop();
  });
});
