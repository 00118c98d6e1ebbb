/** The middle value; of an even number, the mean of the two in the middle. */
export function median(values) {
  if (values.length === 0) return null;
  const sorted = [...values].sort((a, b) => a - b);
  const middle = sorted.length / 2;
  return sorted.length % 2 === 1 ? sorted[Math.floor(middle)] : (sorted[middle - 1] + sorted[middle]) / 2;
}

/** Nearest rank: a value that was measured, never one between two. `share` from 0 to 1. */
export function percentile(values, share) {
  if (values.length === 0) return null;
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[Math.max(0, Math.ceil(sorted.length * share) - 1)];
}

/** How many times better ours is than theirs: above 1 is better, whichever direction better is. */
export function ratioOf(ours, theirs, better) {
  if (ours === null || theirs === null || ours <= 0 || theirs <= 0) return null;
  return better === 'higher' ? ours / theirs : theirs / ours;
}

/** Name of the best figure; `null` when there is none. */
export function bestOf(figures, better) {
  const known = Object.entries(figures).filter(([, value]) => value !== null);
  if (known.length === 0) return null;
  return known.reduce((best, next) => (ratioOf(next[1], best[1], better) > 1 ? next : best))[0];
}

/**
 * Whether a row reaches what it must. A row without our figure, or without the figure of one that we are
 * compared with, is never accepted: the one that failed might have been the best.
 */
export function isAccepted({ ratio, value, acceptedFrom, judgedBy, strictly, better, complete }) {
  if (!complete) return false;
  if (judgedBy === 'ratio')
    return ratio !== null && (strictly ? ratio > acceptedFrom : ratio >= acceptedFrom);
  if (value === null) return false;
  return better === 'higher' ? value >= acceptedFrom : value <= acceptedFrom;
}
