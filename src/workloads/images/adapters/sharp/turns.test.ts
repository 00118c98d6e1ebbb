import { expect, it } from 'vitest';
import { Turns } from './turns.js';

const never = new AbortController().signal;

function held() {
  let release: () => void = () => undefined;
  const until = new Promise<void>((resolve) => {
    release = resolve;
  });
  return { until, release };
}

it('lets through what fits, in order, and what is too heavy alone', async () => {
  const turns = new Turns(10);
  const seen: string[] = [];
  const [a, b, c] = [held(), held(), held()];
  const run = (name: string, weight: number, gate: ReturnType<typeof held>) =>
    turns.run(weight, never, async () => {
      seen.push(name);
      await gate.until;
    });
  const running = [run('a', 6, a), run('b', 4, b), run('huge', 99, c), run('small', 1, a)];
  await new Promise(setImmediate);
  expect(seen).toEqual(['a', 'b']);
  a.release();
  await running[0];
  expect(seen).toEqual(['a', 'b']);
  b.release();
  await running[1];
  await new Promise(setImmediate);
  expect(seen).toEqual(['a', 'b', 'huge']);
  c.release();
  await Promise.all(running);
  expect(seen).toEqual(['a', 'b', 'huge', 'small']);
});

it('gives its place back when it is aborted while it waits, and when the work fails', async () => {
  const turns = new Turns(1);
  const gate = held();
  const first = turns.run(1, never, () => gate.until);
  const controller = new AbortController();
  const second = turns.run(1, controller.signal, async () => 'second');
  const third = turns.run(1, never, async () => {
    throw new RangeError('third');
  });
  const fourth = turns.run(1, never, async () => 'fourth');
  controller.abort(new Error('enough'));
  await expect(second).rejects.toThrow('enough');
  gate.release();
  await first;
  await expect(third).rejects.toThrow('third');
  expect(await fourth).toBe('fourth');
  await expect(turns.run(1, controller.signal, async () => 'late')).rejects.toThrow('enough');
});
