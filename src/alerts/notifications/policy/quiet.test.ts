import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { matches, type Quiet, quietUntil, silencing } from './quiet.js';

const t = (text: string) => new Date(`2026-03-${text}Z`);
const facts = { rule: 'NoLiveWorkers', labels: { queue: 'images', host: 'a' } };
const once: Quiet = {
  id: 'once',
  rule: null,
  labels: {},
  startsAt: t('02T10:00:00'),
  endsAt: t('02T12:00:00'),
  every: null,
};
const nightly: Quiet = {
  ...once,
  id: 'nightly',
  startsAt: t('01T00:00:00'),
  endsAt: null,
  every: { cron: '0 2 * * *', timeZone: 'Europe/Berlin', durationMs: 5_400_000 },
};

describe('a matcher', () => {
  it('means what has its rule and all its labels', () => {
    expect(matches({ rule: null, labels: {} }, facts)).toBe(true);
    expect(matches({ rule: 'NoLiveWorkers', labels: { queue: 'images' } }, facts)).toBe(true);
    expect(matches({ rule: 'Other', labels: {} }, facts)).toBe(false);
    expect(matches({ rule: null, labels: { queue: 'default' } }, facts)).toBe(false);
    expect(matches({ rule: null, labels: { missing: '' } }, facts)).toBe(false);
  });
});

describe('a time of quiet', () => {
  it('is from its start to its end, that moment excluded', () => {
    expect(quietUntil(once, t('02T09:59:59'))).toBeUndefined();
    expect(quietUntil(once, t('02T10:00:00'))).toEqual(t('02T12:00:00'));
    expect(quietUntil(once, t('02T12:00:00'))).toBeUndefined();
  });

  it('repeats at the slots of its cron expression, in its time zone', () => {
    expect(quietUntil(nightly, t('05T00:59:59'))).toBeUndefined();
    expect(quietUntil(nightly, t('05T01:00:00'))).toEqual(t('05T02:30:00'));
    expect(quietUntil(nightly, t('05T02:29:59'))).toEqual(t('05T02:30:00'));
    expect(quietUntil(nightly, t('05T02:30:00'))).toBeUndefined();
    expect(quietUntil({ ...nightly, endsAt: t('05T02:00:00') }, t('05T01:30:00'))).toEqual(t('05T02:00:00'));
  });

  it('is over later than now, whatever the moment', () => {
    fc.assert(
      fc.property(fc.date({ min: t('01T00:00:00'), max: t('30T00:00:00'), noInvalidDate: true }), (now) => {
        for (const quiet of [once, nightly]) {
          const until = quietUntil(quiet, now);
          if (until !== undefined) expect(until > now).toBe(true);
        }
      }),
    );
  });

  it('is the longest one that means the alert', () => {
    const longer = { ...once, id: 'longer', endsAt: t('02T13:00:00') };
    const other = { ...once, id: 'other', rule: 'Other', endsAt: t('02T14:00:00') };
    expect(silencing([once, longer, other], facts, t('02T11:00:00'))).toEqual({
      by: 'longer',
      until: t('02T13:00:00'),
    });
    expect(silencing([other], facts, t('02T11:00:00'))).toBeUndefined();
  });
});
