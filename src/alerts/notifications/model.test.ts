import fc from 'fast-check';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { isAlarm, type Notice } from './message.js';
import { delivered, failing, NotificationBench } from './testing/bench.js';

const minute = 60_000;

let bench: NotificationBench;
beforeAll(async () => {
  bench = await NotificationBench.start();
});
afterAll(() => bench.stop());

type Step =
  | { readonly kind: 'change'; readonly rule: 'A' | 'B' }
  | { readonly kind: 'pass'; readonly ms: number }
  | { readonly kind: 'channel'; readonly mode: 'well' | 'dead' | 'deaf' | 'silent' }
  | { readonly kind: 'silence'; readonly rule: 'A' | 'B'; readonly ms: number }
  | { readonly kind: 'unsilence' };

const step: fc.Arbitrary<Step> = fc.oneof(
  {
    weight: 6,
    arbitrary: fc.record({ kind: fc.constant('change' as const), rule: fc.constantFrom('A', 'B') }),
  },
  {
    weight: 4,
    arbitrary: fc.record({
      kind: fc.constant('pass' as const),
      ms: fc.integer({ min: 0, max: 20 * minute }),
    }),
  },
  {
    weight: 3,
    arbitrary: fc.record({
      kind: fc.constant('channel' as const),
      mode: fc.constantFrom('well', 'dead', 'deaf', 'silent'),
    }),
  },
  {
    weight: 1,
    arbitrary: fc.record({
      kind: fc.constant('silence' as const),
      rule: fc.constantFrom('A', 'B'),
      ms: fc.integer({ min: minute, max: 60 * minute }),
    }),
  },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('unsilence' as const) }) },
) as fc.Arbitrary<Step>;

/** `deaf`: nothing arrives, and nobody knows. `silent`: it arrives, and nobody knows. */
const receipts = {
  well: delivered,
  dead: failing(),
  deaf: failing({ uncertain: true }),
  silent: failing({ uncertain: true }),
};

/** Does the steps, then all ends well for long enough. @returns what arrived, in order */
async function live(steps: readonly Step[]): Promise<Notice[]> {
  await bench.clear();
  const arrived: Notice[] = [];
  const ends = new Map<string, () => Promise<void>>();
  const silences: string[] = [];
  let mode: keyof typeof receipts = 'well';
  bench.fake.answer = ({ notices }) => {
    if (mode === 'well' || mode === 'silent') arrived.push(...notices);
    return receipts[mode];
  };
  const change = async (rule: string) => {
    const end = ends.get(rule);
    ends.delete(rule);
    if (end === undefined) ends.set(rule, await bench.fires(rule));
    else await end();
  };
  for (const one of steps) {
    if (one.kind === 'change') await change(one.rule);
    else if (one.kind === 'pass') bench.pass(one.ms);
    else if (one.kind === 'channel') mode = one.mode;
    else if (one.kind === 'silence') silences.push(await bench.silence(one.rule, one.ms));
    else await Promise.all(silences.splice(0).map((id) => bench.endSilence(id)));
    await bench.drain();
  }
  for (const rule of [...ends.keys()]) await change(rule);
  mode = 'well';
  for (let passed = 0; passed < 6; passed += 1) {
    bench.pass(20 * minute);
    await bench.drain();
  }
  return arrived;
}

it('whoever got an alarm hears of its end, and nobody hears the end of what they never heard of', async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(step, { maxLength: 14 }), async (steps) => {
      const arrived = await live(steps);
      for (const rule of ['A', 'B']) {
        const heard = arrived.filter((notice) => notice.rule === rule);
        const last = heard.at(-1);
        if (last !== undefined) expect(isAlarm(last.kind)).toBe(false);
        const surely = steps.every(
          (one) => one.kind !== 'channel' || one.mode === 'well' || one.mode === 'dead',
        );
        heard.forEach(({ kind }, index) => {
          const before = heard[index - 1];
          const open = before !== undefined && isAlarm(before.kind);
          if (surely && kind === 'resolved') expect(open).toBe(true);
          if (surely && kind === 'brief') expect(open).toBe(false);
        });
      }
      const left = (await bench.outcomes()).filter((line) => line.endsWith('open'));
      expect(left).toEqual([]);
    }),
    { numRuns: 40 },
  );
});
