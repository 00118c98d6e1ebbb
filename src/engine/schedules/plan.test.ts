import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { planTurn, type ScheduleState } from './plan.js';
import { catchUpPolicies, maxCaughtUp, missedAfterMs } from './schedule.js';
import { cronSlots } from './slots.js';
import { at } from './testing/schedule-bench.js';

const hourly = cronSlots('0 * * * *', 'UTC');
const idle: ScheduleState = {
  catchUp: 'all',
  overlap: 'allow',
  nextSlot: at('09:00'),
  heldSlot: null,
  busy: false,
};

/** `09:00 enqueued` for each firing. */
function shown(plan: ReturnType<typeof planTurn>): string[] {
  return plan.firings.map(({ slot, outcome }) => `${slot.toISOString().slice(11, 16)} ${outcome}`);
}

describe('catching up from 09:00 at 12:30', () => {
  it('makes up for nothing with none', () => {
    const plan = planTurn(hourly, { ...idle, catchUp: 'none' }, at('12:30'), 10);
    expect(shown(plan)).toEqual([]);
    expect(plan).toMatchObject({
      missed: { from: at('09:00'), to: at('12:00'), count: 4 },
      nextSlot: at('13:00'),
    });
  });

  it('makes up for the last slot with latest', () => {
    const plan = planTurn(hourly, { ...idle, catchUp: 'latest' }, at('12:30'), 10);
    expect(shown(plan)).toEqual(['12:00 enqueued']);
    expect(plan.missed).toEqual({ from: at('09:00'), to: at('11:00'), count: 3 });
  });

  it('makes up for every slot with all, oldest first, as many as a turn may', () => {
    const plan = planTurn(hourly, idle, at('12:30'), 3);
    expect(shown(plan)).toEqual(['09:00 enqueued', '10:00 enqueued', '11:00 enqueued']);
    expect(plan).toMatchObject({ missed: null, nextSlot: at('12:00'), unfinished: true });
  });

  it.each(catchUpPolicies)('fires a slot that is found within a minute, with %s', (catchUp) => {
    const state = { ...idle, catchUp, nextSlot: at('12:00') };
    expect(shown(planTurn(hourly, state, at('12:01'), 10))).toEqual(['12:00 enqueued']);
  });

  it('does not make up for the one before with latest when a slot is in time', () => {
    const plan = planTurn(hourly, { ...idle, catchUp: 'latest' }, at('12:00:30'), 10);
    expect(shown(plan)).toEqual(['12:00 enqueued']);
    expect(plan.missed?.to).toEqual(at('11:00'));
  });
});

describe('a gap of more slots than are made up for', () => {
  const secondly = cronSlots('* * * * * *', 'UTC');

  it('is cut to the newest, and says from where to where', () => {
    const plan = planTurn(secondly, { ...idle, nextSlot: at('00:00') }, at('12:00'), 5_000);
    expect(plan.firings).toHaveLength(maxCaughtUp);
    expect(plan.firings.at(-1)?.slot).toEqual(at('12:00'));
    const oldest = plan.firings[0]?.slot.getTime() ?? 0;
    expect(plan.missed).toEqual({ from: at('00:00'), to: new Date(oldest - 1_000), count: null });
    expect(plan.nextSlot).toEqual(at('12:00:01'));
  });

  it.each(['none', 'latest'] as const)('loses no slot of the last minute with %s', (catchUp) => {
    const plan = planTurn(secondly, { ...idle, catchUp, nextSlot: at('00:00') }, at('12:00'), 5_000);
    expect(plan.firings.map(({ slot }) => slot)).toEqual(
      Array.from({ length: 61 }, (_, n) => new Date(at('11:59').getTime() + n * 1_000)),
    );
    expect(plan.missed).toEqual({ from: at('00:00'), to: at('11:58:59'), count: null });
  });
});

describe('overlap', () => {
  const busy = { ...idle, nextSlot: at('12:00'), busy: true };

  it('skips slots while a job is under way, also while catching up', () => {
    expect(shown(planTurn(hourly, { ...busy, overlap: 'skip' }, at('12:00'), 10))).toEqual(['12:00 skipped']);
    const catching = planTurn(hourly, { ...idle, overlap: 'skip' }, at('11:00'), 10);
    expect(shown(catching)).toEqual(['09:00 enqueued', '10:00 skipped', '11:00 skipped']);
  });

  it('holds one slot with wait, and skips those after it', () => {
    const catching = planTurn(hourly, { ...idle, overlap: 'wait' }, at('11:00'), 10);
    expect(shown(catching)).toEqual(['09:00 enqueued', '10:00 held', '11:00 skipped']);
    expect(catching.heldSlot).toEqual(at('10:00'));
  });

  it('releases the held slot when the job before it has ended, and holds the next', () => {
    const held = { ...idle, overlap: 'wait', heldSlot: at('11:00'), nextSlot: at('12:00') } as const;
    expect(planTurn(hourly, { ...held, busy: true }, at('11:30'), 10)).toMatchObject({
      release: null,
      heldSlot: at('11:00'),
    });
    const plan = planTurn(hourly, held, at('12:00'), 10);
    expect(plan.release).toEqual(at('11:00'));
    expect(shown(plan)).toEqual(['12:00 held']);
  });
});

describe('whatever the times of the turns', () => {
  /** Turns that look at the clock `gaps` apart, and what they decided about each slot. */
  function run(cron: string, catchUp: ScheduleState['catchUp'], gaps: readonly number[], maxFirings: number) {
    const slots = cronSlots(cron, 'Europe/Berlin');
    const start = new Date('2026-10-24T21:30:00Z');
    let state: ScheduleState = { ...idle, catchUp, nextSlot: slots.after(start) ?? null };
    const fired: number[] = [];
    const missed: { from: number; to: number }[] = [];
    let now = start;
    for (const gap of gaps) {
      now = new Date(now.getTime() + gap);
      const plan = planTurn(slots, state, now, maxFirings);
      fired.push(...plan.firings.map(({ slot }) => slot.getTime()));
      if (plan.missed) missed.push({ from: plan.missed.from.getTime(), to: plan.missed.to.getTime() });
      state = { ...state, nextSlot: plan.nextSlot };
    }
    const expected: number[] = [];
    const undecided = state.nextSlot?.getTime() ?? Number.POSITIVE_INFINITY;
    for (let slot = slots.after(start); slot && slot.getTime() < undecided; slot = slots.after(slot)) {
      expected.push(slot.getTime());
    }
    return { fired, missed, expected, now, undecided };
  }

  const gaps = fc.array(
    fc.oneof(fc.integer({ min: 0, max: 2_500 }), fc.integer({ min: 0, max: 4 * 3_600_000 })),
    { minLength: 1, maxLength: 15 },
  );
  const crons = fc.constantFrom('*/5 * * * *', '30 2 * * *', '0 * * * *', '*/30 2,3 * * *');

  it('every slot is fired once and in order with all', () => {
    fc.assert(
      fc.property(crons, gaps, fc.integer({ min: 1, max: 50 }), (cron, times, max) => {
        const { fired, missed, expected } = run(cron, 'all', times, max);
        expect(missed).toEqual([]);
        expect(fired).toEqual(expected);
      }),
      { numRuns: 60 },
    );
  });

  it('every slot is either fired once or in one missed range with none and latest', () => {
    fc.assert(
      fc.property(
        crons,
        gaps,
        fc.constantFrom('none' as const, 'latest' as const),
        (cron, times, catchUp) => {
          const { fired, missed, expected, now, undecided } = run(cron, catchUp, times, 100);
          const dropped = expected.filter((slot) =>
            missed.some(({ from, to }) => slot >= from && slot <= to),
          );
          expect(new Set(fired).size).toBe(fired.length);
          expect([...fired, ...dropped].sort((a, b) => a - b)).toEqual(expected);
          expect(undecided).toBeGreaterThan(now.getTime());
        },
      ),
      { numRuns: 60 },
    );
  });

  it('a slot is never missed while turns come at least once a minute', () => {
    const short = fc.array(fc.integer({ min: 0, max: missedAfterMs }), { minLength: 1, maxLength: 60 });
    fc.assert(
      fc.property(fc.constantFrom('none' as const, 'latest' as const), short, (catchUp, times) => {
        const { fired, missed, expected } = run('*/20 * * * * *', catchUp, times, 100);
        expect(missed).toEqual([]);
        expect(fired).toEqual(expected);
      }),
      { numRuns: 40 },
    );
  });
});
