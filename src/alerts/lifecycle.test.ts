import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { Alert } from './alert.js';
import { advance, keyOf, type Sighting } from './lifecycle.js';
import type { Observation, RuleTraits } from './rule.js';

const start = new Date('2026-01-01T00:00:00Z');
const later = (ms: number): Date => new Date(start.getTime() + ms);

function rule(name: string, forMs: number): RuleTraits {
  return {
    name,
    severity: 'warning',
    forMs,
    help: 'a test',
    remedy: 'Mend it.',
    prometheus: null,
    page: '/queues',
  };
}

function seen(labels: Record<string, string>, value = 1): Observation {
  return { labels, value, summary: 'It is bad.', remedy: 'Mend it.' };
}

const slow = rule('Slow', 20_000);
const a = { queue: 'a' };

describe('advance', () => {
  it('tells what has held for the rule’s time, once', () => {
    const first = advance([], [{ rule: slow, observations: [seen(a)] }], start);
    expect(first).toMatchObject({ kept: [{ state: 'pending', since: start }], edges: [], forgotten: [] });
    const second = advance(first.kept, [{ rule: slow, observations: [seen(a, 2)] }], later(19_999));
    expect(second).toMatchObject({ kept: [{ state: 'pending', value: 2 }], edges: [] });
    const third = advance(second.kept, [{ rule: slow, observations: [seen(a)] }], later(20_000));
    expect(third.edges).toMatchObject([{ state: 'firing', since: start, firedAt: later(20_000) }]);
    const fourth = advance(third.kept, [{ rule: slow, observations: [seen(a)] }], later(30_000));
    expect(fourth).toMatchObject({ kept: [{ state: 'firing', firedAt: later(20_000) }], edges: [] });
  });

  it('forgets what ended before it was told', () => {
    const { kept } = advance([], [{ rule: slow, observations: [seen(a)] }], start);
    expect(advance(kept, [{ rule: slow, observations: [] }], later(10_000))).toMatchObject({
      kept: [],
      edges: [],
      forgotten: [{ labels: a }],
    });
  });

  it('tells the end to whoever was told the beginning, under the same id', () => {
    const now = rule('Now', 0);
    const { kept } = advance([], [{ rule: now, observations: [seen(a)] }], start);
    const { edges } = advance(kept, [{ rule: now, observations: [] }], later(10_000));
    expect(edges).toMatchObject([{ id: kept[0]?.id, state: 'resolved', resolvedAt: later(10_000) }]);
  });

  it('moves nothing while it is not known', () => {
    const { kept } = advance([], [{ rule: slow, observations: [seen(a)] }], start);
    const none = { kept: [], edges: [], forgotten: [] };
    expect(advance(kept, [{ rule: slow, observations: null }], later(60_000))).toEqual(none);
  });

  it('ends the alerts of a rule that is there no more', () => {
    const { kept } = advance([], [{ rule: rule('Old', 0), observations: [seen(a)] }], start);
    expect(advance(kept, [], later(1)).edges).toMatchObject([{ rule: 'Old', state: 'resolved' }]);
  });

  it('keeps an acknowledgement as long as the alert lives, and no longer', () => {
    const now = rule('Now', 0);
    const { kept } = advance([], [{ rule: now, observations: [seen(a)] }], start);
    const known = kept.map((alert) => ({ ...alert, acknowledgedAt: start, acknowledgedBy: 'ada' }));
    const next = advance(known, [{ rule: now, observations: [seen(a)] }], later(1));
    expect(next.kept).toMatchObject([{ acknowledgedBy: 'ada' }]);
    const again = advance([], [{ rule: now, observations: [seen(a)] }], later(2));
    expect(again.kept).toMatchObject([{ acknowledgedBy: null }]);
  });

  it('does not mind the order of labels', () => {
    expect(keyOf('R', { a: '1', b: '2' })).toBe(keyOf('R', { b: '2', a: '1' }));
    expect(keyOf('R', { a: '1' })).not.toBe(keyOf('R', { a: '2' }));
  });

  it('tells begins and ends in turn, whatever is seen', () => {
    const rules = [rule('Now', 0), slow];
    const labels = fc.constantFrom('a', 'b', 'c');
    const look = fc.record({
      passMs: fc.integer({ min: 1, max: 30_000 }),
      looks: fc.tuple(...rules.map(() => fc.option(fc.uniqueArray(labels), { nil: null, freq: 4 }))),
    });
    fc.assert(
      fc.property(fc.array(look, { maxLength: 40 }), (turns) => {
        let open: readonly Alert[] = [];
        let at = start.getTime();
        const told = new Map<string, string>();
        for (const { passMs, looks } of turns) {
          at += passMs;
          const sightings: Sighting[] = rules.map((one, n) => ({
            rule: one,
            observations: looks[n]?.map((queue) => seen({ queue })) ?? null,
          }));
          const moves = advance(open, sightings, new Date(at));
          for (const edge of moves.edges) {
            const key = keyOf(edge.rule, edge.labels);
            expect(edge.state).toBe(told.has(key) ? 'resolved' : 'firing');
            if (edge.state === 'firing') told.set(key, edge.id);
            else expect(told.get(key)).toBe(edge.id);
            if (edge.state === 'resolved') told.delete(key);
            const heldMs = (edge.firedAt?.getTime() ?? 0) - edge.since.getTime();
            expect(heldMs).toBeGreaterThanOrEqual(rules.find(({ name }) => name === edge.rule)?.forMs ?? 0);
          }
          const gone = new Set([...moves.kept, ...moves.forgotten].map(({ id }) => id));
          open = [
            ...open.filter(({ id }) => !gone.has(id)),
            ...moves.kept.filter(({ state }) => state !== 'resolved'),
          ];
          const firing = open.filter(({ state }) => state === 'firing').map(({ id }) => id);
          expect(firing.sort()).toEqual([...told.values()].sort());
          const keys = open.map((alert) => keyOf(alert.rule, alert.labels));
          expect(new Set(keys).size).toBe(keys.length);
        }
      }),
    );
  });
});
