import { describe, expect, it } from 'vitest';
import { loadConfig } from '../../config/load.js';
import { isSignalboxError } from '../../foundation/errors.js';
import { budgetOf, burnOf } from './burn.js';
import { budgetWindowMs, type Events, leastEvents, type Measured } from './objective.js';
import { objectivesSection } from './settings.js';

const limit = { factor: 14.4, longMs: 3_600_000, shortMs: 300_000 };

function measured(windows: Record<number, Events>, target = 0.99): Measured {
  const objective = { kind: 'success' as const, queue: 'q', target, withinMs: null };
  return { objective, windows: new Map(Object.entries(windows).map(([ms, events]) => [Number(ms), events])) };
}

describe('a budget', () => {
  it('is what may still go wrong', () => {
    const budget = budgetOf(measured({ [budgetWindowMs]: { total: 10_000, good: 9_975 } }));
    expect(budget.ratio).toBeCloseTo(0.9975);
    expect(budget.leftEvents).toBeCloseTo(75);
    expect(budget.leftRatio).toBeCloseTo(0.75);
    expect(budgetOf(measured({ [budgetWindowMs]: { total: 100, good: 97 } })).leftRatio).toBeCloseTo(-2);
  });

  it('is unknown without events, not full', () => {
    expect(budgetOf(measured({}))).toMatchObject({ ratio: null, leftRatio: null, leftEvents: null });
  });
});

describe('a burn rate', () => {
  const over = (long: Events, short: Events) =>
    burnOf(measured({ [limit.longMs]: long, [limit.shortMs]: short }), limit).over;

  it('alarms when both windows are over the limit', () => {
    expect(over({ total: 1_000, good: 850 }, { total: 100, good: 85 })).toBe(true);
    expect(over({ total: 1_000, good: 860 }, { total: 100, good: 85 })).toBe(false);
    expect(over({ total: 1_000, good: 850 }, { total: 100, good: 90 })).toBe(false);
    expect(over({ total: 1_000, good: 850 }, { total: 0, good: 0 })).toBe(false);
  });

  it('is not judged by a few', () => {
    const few = { total: leastEvents - 1, good: 0 };
    const enough = { total: leastEvents, good: 0 };
    expect(over(few, few)).toBe(false);
    expect(over(enough, few)).toBe(true);
  });
});

describe('the settings of objectives', () => {
  const load = (env: Record<string, string>) => {
    try {
      return loadConfig([objectivesSection], { env, flags: {} }).get(objectivesSection);
    } catch (error) {
      if (isSignalboxError(error)) return error.message;
      throw error;
    }
  };

  it('are percentages', () => {
    expect(load({ SLO_SUCCESS: '99.9%', SLO_SUCCESS_BY_QUEUE: 'images=95' })).toMatchObject({
      success: 0.999,
      successByQueue: ['images=95'],
    });
  });

  it.each([
    [{ SLO_SUCCESS: '100' }, 'SLO_SUCCESS'],
    [{ SLO_AVAILABILITY: '0' }, 'SLO_AVAILABILITY'],
    [{ SLO_FRESHNESS_WITHIN: '33s' }, 'SLO_FRESHNESS_WITHIN'],
    [{ SLO_FRESHNESS_BY_QUEUE: 'images=95' }, 'SLO_FRESHNESS_BY_QUEUE'],
    [{ SLO_FRESHNESS_BY_QUEUE: 'images=95@33s' }, 'images'],
    [{ SLO_SUCCESS_BY_QUEUE: 'a=95,a=96' }, 'twice'],
    [{ SLO_SUCCESS_BY_QUEUE: 'a=100' }, 'percentage of a'],
  ])('refuse %j', (env, said) => {
    expect(load(env)).toContain(said);
  });
});
