/**
 * A fault and how long it lasted. `process` is whom it hit; without one it hit the database, and so everybody.
 * @typedef {object} Fault
 * @property {string} kind
 * @property {string | undefined} process
 * @property {number} from
 * @property {number} to `Infinity` while it lasts.
 * @property {boolean} deaf The process itself could not even run a timer.
 */

/** The journal of what was broken, when and for whom. */
export class Disturbances {
  /** @type {Fault[]} */
  faults = [];

  /** @param {string} kind @param {string | undefined} process @returns {Fault} */
  begin(kind, process, { deaf = false } = {}) {
    const fault = { kind, process, from: Date.now(), to: Number.POSITIVE_INFINITY, deaf };
    this.faults.push(fault);
    return fault;
  }

  /** @param {Fault} fault */
  end(fault) {
    fault.to = Date.now();
  }

  /** @returns {Record<string, number>} */
  counts() {
    const counts = {};
    for (const { kind } of this.faults) counts[kind] = (counts[kind] ?? 0) + 1;
    return counts;
  }

  /** Whether any of these faults touches the time from `from` to `to`. @param {(fault: Fault) => boolean} which */
  any(which, from, to) {
    return this.faults.some((fault) => fault.from <= to && fault.to >= from && which(fault));
  }
}

/**
 * How long, of the time from `from` to `to`, other faults were in the way. `reach` is how long a fault has effect
 * after its end: a new leader must be elected, loops back off.
 * @param {readonly Fault[]} faults @param {number} from @param {number} to @param {(fault: Fault) => number} reach
 */
export function disturbedMs(faults, from, to, reach) {
  const spans = faults
    .map((fault) => [Math.max(fault.from, from), Math.min(fault.from + reach(fault), to)])
    .filter(([start, end]) => end > start)
    .sort(([a], [b]) => a - b);
  let total = 0;
  let covered = from;
  for (const [start, end] of spans) {
    total += Math.max(0, end - Math.max(start, covered));
    covered = Math.max(covered, end);
  }
  return total;
}
