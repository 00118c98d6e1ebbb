import type { Parameters } from 'fast-check';

/**
 * How much a property test explores. The same every time, so that a red build stays red until it is mended;
 * SIGNALBOX_MODEL_RUNS asks for more, and then for something else each time unless SIGNALBOX_MODEL_SEED is given.
 */
export function exploration(runs: number): Pick<Parameters, 'numRuns' | 'seed'> {
  const more = process.env.SIGNALBOX_MODEL_RUNS;
  const seed = process.env.SIGNALBOX_MODEL_SEED;
  return {
    numRuns: more === undefined ? runs : Number(more),
    seed: seed !== undefined ? Number(seed) : more === undefined ? 20261123 : Date.now() % 2 ** 31,
  };
}

/** For a test with more runs than usual, and for shrinking what it finds. */
export const patienceMs = 3_600_000;
