import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { isAlarm } from '../message.js';
import { type Entry, type EntryKind, owesRecovery, type Subject, type Told } from './entry.js';
import { type Case, judge, type Verdict } from './judge.js';
import type { Quiet } from './quiet.js';

const start = Date.parse('2026-01-01T00:00:00Z');
const at = (seconds: number) => new Date(start + seconds * 1_000);
const facts = {
  rule: 'A',
  severity: 'critical',
  labels: { queue: 'default' },
  summary: '',
  remedy: '',
  link: null,
  startedAt: at(0),
} as const;

function entry(kind: EntryKind, seconds: number, more: Partial<Entry> = {}): Entry {
  return {
    id: `${kind}-${seconds}`,
    fingerprint: 'f',
    alertId: 'a',
    kind,
    number: 0,
    at: at(seconds),
    expiresAt: at(seconds + 86_400),
    tries: 0,
    heldBy: null,
    facts,
    ...more,
  };
}

function about(told: Told, entries: readonly Entry[], more: Partial<Subject> = {}): Case {
  const subject: Subject = {
    fingerprint: 'f',
    alertId: 'a',
    state: entries.at(-1)?.kind === 'resolved' ? 'resolved' : 'firing',
    edgeAt: at(0),
    facts,
    told,
    remindAt: null,
    flappingSince: null,
    settledAt: null,
    acknowledgedAt: null,
    ...more,
  };
  return { subject, entries, recentEdges: 1, quiets: [], now: at(1_000) };
}

const quiet: Quiet = { id: 's', rule: 'A', labels: {}, startsAt: at(0), endsAt: at(9_000), every: null };
const said = (verdicts: ReadonlyMap<string, Verdict>) =>
  [...verdicts.values()].map((v) => (v.kind === 'hold' ? 'hold' : `${v.kind} ${v.as}`));

describe('what becomes of what is undelivered', () => {
  const firing = entry('firing', 1);
  const resolved = entry('resolved', 2);
  const flapping = { flappingSince: at(0) };
  it.each<[string, Case, string[]]>([
    ['an alarm', about('nothing', [firing]), ['send firing']],
    ['its end', about('firing', [resolved]), ['send resolved']],
    ['both', about('nothing', [firing, resolved]), ['drop collapsed', 'send brief']],
    ['both, maybe told', about('perhaps', [firing, resolved]), ['drop collapsed', 'send resolved']],
    ['an end of nothing told', about('nothing', [resolved]), ['drop unneeded']],
    ['a second end', about('resolved', [resolved]), ['drop unneeded']],
    ['flapping', about('firing', [firing, entry('flapping', 3)], flapping), ['drop damped', 'send flapping']],
    ['flapping that is over', about('firing', [entry('flapping', 3)]), ['drop collapsed']],
    [
      'a good end of flapping',
      about('flapping', [entry('settled', 3)], { state: 'resolved' }),
      ['send resolved'],
    ],
    ['a bad end of flapping', about('flapping', [entry('settled', 3)]), ['send firing']],
    [
      'an end of it that is outdated',
      about('flapping', [entry('settled', 1), resolved]),
      ['drop collapsed', 'send resolved'],
    ],
    [
      'an edge from before it settled',
      about('flapping', [resolved, entry('settled', 3)], { state: 'resolved' }),
      ['drop damped', 'send resolved'],
    ],
    ['a reminder', about('firing', [entry('reminder', 3)]), ['send reminder']],
    ['a reminder of what was never told', about('nothing', [entry('reminder', 3)]), ['send firing']],
    [
      'an acknowledged one',
      about('firing', [entry('reminder', 3)], { acknowledgedAt: at(2) }),
      ['drop unneeded'],
    ],
    ['an old alarm', { ...about('nothing', [firing]), now: at(90_000) }, ['drop expired']],
    ['an alarm in a silence', { ...about('nothing', [firing]), quiets: [quiet] }, ['hold']],
    [
      'both in a silence',
      { ...about('nothing', [firing, resolved]), quiets: [quiet] },
      ['drop silenced', 'drop silenced'],
    ],
    ['an end in a silence', { ...about('firing', [resolved]), quiets: [quiet] }, ['send resolved']],
  ])('%s', (_what, given, expected) => {
    expect(said(judge(given))).toEqual(expected);
  });
});

const entries = fc
  .array(
    fc.record({
      kind: fc.constantFrom<EntryKind>('firing', 'resolved', 'flapping', 'settled', 'reminder'),
      seconds: fc.integer({ min: 0, max: 100_000 }),
      alertId: fc.constantFrom('a', 'b'),
      heldBy: fc.constantFrom(null, 's'),
    }),
    { maxLength: 6 },
  )
  .map((list) =>
    list.map(({ kind, seconds, ...more }, index) => entry(kind, seconds, { id: String(index), ...more })),
  );
const cases = fc
  .record({
    told: fc.constantFrom<Told>('nothing', 'perhaps', 'firing', 'flapping', 'resolved'),
    entries,
    state: fc.constantFrom('firing' as const, 'resolved' as const),
    flappingSince: fc.constantFrom(null, at(0)),
    silent: fc.boolean(),
    now: fc.integer({ min: 0, max: 200_000 }),
  })
  .map(
    ({ told, entries: list, state, flappingSince, silent, now }): Case => ({
      ...about(told, list, { state, flappingSince }),
      quiets: silent ? [{ ...quiet, endsAt: at(300_000) }] : [],
      now: at(now),
    }),
  );

describe('whatever has happened', () => {
  it('decides about every entry, sends no alarm in a silence and nothing that is too old', () => {
    fc.assert(
      fc.property(cases, (given) => {
        const verdicts = judge(given);
        expect([...verdicts.keys()]).toEqual(given.entries.map(({ id }) => id));
        for (const one of given.entries) {
          const verdict = verdicts.get(one.id);
          if (verdict?.kind === 'hold') expect(verdict.until > given.now).toBe(true);
          if (verdict?.kind !== 'send') continue;
          expect(one.expiresAt > given.now).toBe(true);
          expect(isAlarm(verdict.as) && given.quiets.length > 0).toBe(false);
        }
      }),
    );
  });

  it('tells an end to whoever was told of the alarm, and to nobody else', () => {
    fc.assert(
      fc.property(cases, (given) => {
        const { subject } = given;
        const verdicts = judge(given);
        for (const one of given.entries.filter(({ kind }) => kind === 'resolved')) {
          const verdict = verdicts.get(one.id);
          const paired = given.entries.some((e) => e.kind === 'firing' && e.alertId === one.alertId);
          const settled = given.entries.some(({ kind, at: when }) => kind === 'settled' && when >= one.at);
          const steady = subject.flappingSince === null && !settled && one.expiresAt > given.now;
          if (steady && owesRecovery(subject.told) && !paired) {
            expect(verdict).toEqual({ kind: 'send', as: 'resolved' });
          }
          if (!owesRecovery(subject.told)) expect(verdict).not.toEqual({ kind: 'send', as: 'resolved' });
        }
      }),
    );
  });
});
