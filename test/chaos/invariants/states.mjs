const finals = new Set(['succeeded', 'failed', 'cancelled']);

/** @param {string} state */
export function isFinal(state) {
  return finals.has(state);
}
