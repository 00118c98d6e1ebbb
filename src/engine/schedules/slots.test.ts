import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { cronProblems, cronSlots } from './slots.js';

/** The slots in [from, to). */
function between(cron: string, zone: string, from: string, to: string): string[] {
  const slots = cronSlots(cron, zone);
  const found: string[] = [];
  let slot = slots.after(new Date(Date.parse(from) - 1));
  while (slot !== undefined && slot < new Date(to)) {
    found.push(slot.toISOString().slice(11, 16));
    slot = slots.after(slot);
  }
  return found;
}

describe('the hour that daylight saving skips', () => {
  // Berlin: 02:00 becomes 03:00 at 01:00 UTC. New York: 02:00 becomes 03:00 at 07:00 UTC.
  const berlin = ['Europe/Berlin', '2026-03-29T00:00Z', '2026-03-29T03:00Z'] as const;
  const newYork = ['America/New_York', '2026-03-08T06:00Z', '2026-03-08T09:00Z'] as const;

  it.each([
    ['30 2 * * *', berlin, ['01:00']],
    ['0 2 * * *', berlin, ['01:00']],
    ['0 30 2 * * *', berlin, ['01:00']],
    ['30 2,3 * * *', berlin, ['01:00', '01:30']],
    ['0 2,3 * * *', berlin, ['01:00']],
    ['*/30 * * * *', berlin, ['00:00', '00:30', '01:00', '01:30', '02:00', '02:30']],
    ['*/15 2 * * *', berlin, []],
    ['30 2 * * *', newYork, ['07:00']],
    ['30 * * * *', newYork, ['06:30', '07:30', '08:30']],
    ['*/20 2 * * *', newYork, []],
  ])('%s in %o is due at %j', (cron, [zone, from, to], expected) => {
    expect(between(cron, zone, from, to)).toEqual(expected);
  });
});

describe('the hour that daylight saving repeats', () => {
  // Berlin: 03:00 becomes 02:00 at 01:00 UTC. New York: 02:00 becomes 01:00 at 06:00 UTC.
  const berlin = ['Europe/Berlin', '2026-10-25T00:00Z', '2026-10-25T03:00Z'] as const;
  const newYork = ['America/New_York', '2026-11-01T05:00Z', '2026-11-01T08:00Z'] as const;

  it.each([
    ['30 2 * * *', berlin, ['00:30']],
    ['0 2 * * *', berlin, ['00:00']],
    ['30 2,3 * * *', berlin, ['00:30', '02:30']],
    ['30 * * * *', berlin, ['00:30', '01:30', '02:30']],
    ['*/30 2 * * *', berlin, ['00:00', '00:30', '01:00', '01:30']],
    ['30 1 * * *', newYork, ['05:30']],
    ['0 2 * * *', newYork, ['07:00']],
    ['0 * * * *', newYork, ['05:00', '06:00', '07:00']],
  ])('%s in %o is due at %j', (cron, [zone, from, to], expected) => {
    expect(between(cron, zone, from, to)).toEqual(expected);
  });
});

it('a midnight that does not exist is due at the first moment of its day', () => {
  // Santiago: 24:00 of September 5 becomes 01:00 of the 6th, at 04:00 UTC.
  for (const cron of ['@daily', '0 0 * * *']) {
    expect(between(cron, 'America/Santiago', '2026-09-05T12:00Z', '2026-09-07T12:00Z')).toEqual([
      '04:00',
      '03:00',
    ]);
  }
});

const zones = [
  'UTC',
  'Europe/Berlin',
  'America/New_York',
  'Australia/Lord_Howe',
  'America/Santiago',
  'Africa/Cairo',
  'Asia/Kathmandu',
];
const expressions = [
  '* * * * *',
  '*/7 * * * *',
  '*/20 * * * * *',
  '30 2 * * *',
  '0 0 * * *',
  '*/15 2 * * *',
  '15,45 0-3 * * *',
  '0 3 * * 0',
  '0 12 1 * *',
];
/** About the days on which these zones change their clocks. */
const instants = fc
  .tuple(
    fc.constantFrom('2026-03-08', '2026-03-29', '2026-04-05', '2026-04-24', '2026-09-06', '2026-10-04'),
    fc.integer({ min: -36 * 3_600_000, max: 36 * 3_600_000 }),
  )
  .map(([day, offset]) => new Date(Date.parse(day) + offset));

describe('slots', () => {
  it('are strictly increasing whole seconds, and the same seen from either side', () => {
    fc.assert(
      fc.property(
        fc.constantFrom(...expressions),
        fc.constantFrom(...zones),
        instants,
        (cron, zone, from) => {
          const slots = cronSlots(cron, zone);
          const found: Date[] = [];
          for (let slot = slots.after(from); slot && found.length < 12; slot = slots.after(slot)) {
            expect(slot.getTime()).toBeGreaterThan((found.at(-1) ?? from).getTime());
            expect(slot.getTime() % 1_000).toBe(0);
            found.push(slot);
          }
          const last = found.at(-1) ?? from;
          expect(slots.upTo(last, found.length)).toEqual(found);
          expect(slots.upTo(new Date(last.getTime() - 1), 1)).toEqual(found.slice(-2, -1));
        },
      ),
      { numRuns: 150 },
    );
  });

  it('of a stepping expression are exactly the minutes that the local clock shows', () => {
    fc.assert(
      fc.property(
        fc.constantFrom(...zones),
        instants,
        fc.constantFrom(5, 7, 30),
        fc.integer({ min: 0, max: 23 }),
        (zone, from, step, hour) => {
          const local = new Intl.DateTimeFormat('en-GB', {
            timeZone: zone,
            hour: 'numeric',
            minute: 'numeric',
            hourCycle: 'h23',
          });
          const expected: string[] = [];
          const start = Math.ceil(from.getTime() / 60_000) * 60_000;
          for (let minute = 0; minute < 26 * 60; minute += 1) {
            const instant = new Date(start + minute * 60_000);
            const [hours, minutes] = local.format(instant).split(':').map(Number);
            if (hours === hour && (minutes ?? 1) % step === 0) expected.push(instant.toISOString());
          }
          const slots = cronSlots(`*/${step} ${hour} * * *`, zone);
          const found: string[] = [];
          let slot = slots.after(new Date(start - 1));
          while (slot !== undefined && slot < new Date(start + 26 * 3_600_000)) {
            found.push(slot.toISOString());
            slot = slots.after(slot);
          }
          expect(found).toEqual(expected);
        },
      ),
      { numRuns: 60 },
    );
  });
});

describe('an expression', () => {
  it.each(['0 9 * * MON-FRI', '*/10 * * * * *', '0 0 29 2 *', '0 0 L * *', '@daily', ' 5  4 * * * '])(
    '%j is taken',
    (cron) => {
      expect(cronProblems(cron, 'Europe/Berlin')).toEqual([]);
    },
  );

  it.each([
    '',
    'soon',
    '* * * *',
    '* * * * * * *',
    '61 * * * *',
    '@reboot',
    '2026-01-01T00:00:00',
    '0 0 31 2 *',
  ])('%j is refused', (cron) => {
    expect(cronProblems(cron, 'UTC').map(({ field }) => field)).toEqual(['cron']);
  });

  it.each(['', 'Mars/Base', '+02:00', 'local', 'Europe/Berlin\n'])('the time zone %j is refused', (zone) => {
    expect(cronProblems('0 0 * * *', zone).map(({ field }) => field)).toEqual(['timeZone']);
  });
});
