import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { Batcher } from './batcher.js';

class Bad extends Error {}

function batcher(
  run: (items: readonly number[]) => Promise<readonly number[]>,
  concurrency = 1,
  maxBatch = 100,
  worthwhile = 1,
) {
  const blames = (error: unknown) => error instanceof Bad;
  return new Batcher<number, number>({ run, concurrency, maxBatch, worthwhile, blames });
}

describe('a batcher', () => {
  it('sends the first at once, and what comes meanwhile together', async () => {
    const batches: number[][] = [];
    let go: () => void = () => undefined;
    const first = new Promise<void>((resolve) => {
      go = resolve;
    });
    const b = batcher(async (items) => {
      batches.push([...items]);
      if (batches.length === 1) await first;
      return items.map((item) => item * 2);
    });
    const one = b.add(1);
    await new Promise((resolve) => setImmediate(resolve));
    expect(batches).toEqual([[1]]);
    const rest = [2, 3, 4].map((item) => b.add(item));
    await new Promise((resolve) => setImmediate(resolve));
    expect(b.waiting).toBe(3);
    go();
    expect(await Promise.all([one, ...rest])).toEqual([2, 4, 6, 8]);
    expect(batches).toEqual([[1], [2, 3, 4]]);
  });

  it('begins a batch beside another only when it is worth it', async () => {
    const batches: number[] = [];
    const ends: (() => void)[] = [];
    const b = batcher(
      async (items) => {
        batches.push(items.length);
        await new Promise<void>((resolve) => ends.push(resolve));
        return items;
      },
      2,
      100,
      3,
    );
    const turn = () => new Promise((resolve) => setImmediate(resolve));
    const all = [b.add(1)];
    await turn();
    all.push(b.add(2), b.add(3));
    await turn();
    expect(batches).toEqual([1]);
    all.push(b.add(4));
    await turn();
    expect(batches).toEqual([1, 3]);
    all.push(b.add(5));
    await turn();
    expect(batches).toEqual([1, 3]);
    for (const end of ends.splice(0)) end();
    await expect.poll(() => batches).toEqual([1, 3, 1]);
    for (const end of ends) end();
    expect(await Promise.all(all)).toEqual([1, 2, 3, 4, 5]);
  });

  it('answers each its own result, in batches no larger and no more at once than allowed', async () => {
    const settings = fc.record({
      count: fc.integer({ min: 1, max: 60 }),
      concurrency: fc.integer({ min: 1, max: 4 }),
      maxBatch: fc.integer({ min: 1, max: 10 }),
      worthwhile: fc.integer({ min: 1, max: 12 }),
      bad: fc.array(fc.integer({ min: 0, max: 59 }), { maxLength: 5 }),
    });
    await fc.assert(
      fc.asyncProperty(settings, async ({ count, concurrency, maxBatch, worthwhile, bad }) => {
        let running = 0;
        const b = batcher(
          async (items) => {
            running += 1;
            expect(items.length).toBeLessThanOrEqual(maxBatch);
            await new Promise((resolve) => setImmediate(resolve));
            running -= 1;
            if (items.some((item) => bad.includes(item))) throw new Bad();
            return items.map((item) => item + 1_000);
          },
          concurrency,
          maxBatch,
          worthwhile,
        );
        const answers = await Promise.allSettled(Array.from({ length: count }, (_, item) => b.add(item)));
        for (const [item, answer] of answers.entries()) {
          if (bad.includes(item)) expect(answer).toMatchObject({ status: 'rejected' });
          else expect(answer).toEqual({ status: 'fulfilled', value: item + 1_000 });
        }
        expect(running).toBe(0);
      }),
    );
  });

  it('answers an error that is nobody’s fault to all of the batch', async () => {
    let calls = 0;
    const b = batcher(async () => {
      calls += 1;
      throw new Error('the disk is full');
    });
    const answers = await Promise.allSettled([b.add(1), b.add(2)]);
    expect(answers.map(({ status }) => status)).toEqual(['rejected', 'rejected']);
    expect(calls).toBe(1);
  });
});
