import { setImmediate as nextTurn } from 'node:timers/promises';

/** Longest time for which work holds the event loop before others get their turn. */
const sliceMs = 5;

/** Takes one step after the other; between two of them the event loop goes on when they have held it long enough. */
export async function inTurns<T>(
  steps: Iterable<T>,
  each: (step: T) => void = () => undefined,
): Promise<void> {
  let begun = performance.now();
  for (const step of steps) {
    each(step);
    if (performance.now() - begun < sliceMs) continue;
    await nextTurn();
    begun = performance.now();
  }
}

/** One text out of its pieces, put together in turns. */
export async function joined(pieces: Iterable<string>): Promise<string> {
  const texts: string[] = [];
  let some: string[] = [];
  await inTurns(pieces, (piece) => {
    some.push(piece);
    if (some.length < 200) return;
    texts.push(some.join(''));
    some = [];
  });
  texts.push(some.join(''));
  return texts.join('');
}
