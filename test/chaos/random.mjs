// Pseudo-random numbers from a seed: the same seed chooses the same faults and the same load.

/** @typedef {ReturnType<typeof randomFrom>} Random */

/** @param {number} seed */
export function randomFrom(seed) {
  let state = seed >>> 0;
  // mulberry32
  const next = () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let t = state;
    t = Math.imul(t ^ (t >>> 15), t | 1);
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61);
    return ((t ^ (t >>> 14)) >>> 0) / 4_294_967_296;
  };
  /** Whole number from `low` to `high`, both included. */
  const between = (/** @type {number} */ low, /** @type {number} */ high) =>
    low + Math.floor(next() * (high - low + 1));
  return {
    between,
    /** True with this probability. @param {number} share */
    chance: (share) => next() < share,
    /** @template T @param {readonly T[]} items @returns {T} */
    pick: (items) => items[between(0, items.length - 1)],
    /** @template T @param {readonly T[]} items @returns {T[]} */
    shuffled(items) {
      const list = [...items];
      for (let n = list.length - 1; n > 0; n -= 1) {
        const other = between(0, n);
        [list[n], list[other]] = [list[other], list[n]];
      }
      return list;
    },
    /** One key of a table of weights. @param {Readonly<Record<string, number>>} weights */
    weighted(weights) {
      const entries = Object.entries(weights);
      let left = next() * entries.reduce((sum, [, weight]) => sum + weight, 0);
      for (const [key, weight] of entries) {
        left -= weight;
        if (left < 0) return key;
      }
      return entries[entries.length - 1][0];
    },
  };
}
