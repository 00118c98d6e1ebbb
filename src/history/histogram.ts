import { spanEdgesMs } from '../engine/spans.js';

/** How many were how long: one number for each span of `spanEdgesMs`, and one for what is longer. */
export type Histogram = readonly number[];

/** Figures of spans of time, milliseconds. */
export interface SpanFigures {
  readonly samples: number;
  /** In proportion within its span: as exact as the spans are narrow. The longest are told as six hours. */
  readonly p50Ms: number;
  readonly p95Ms: number;
  readonly p99Ms: number;
}

/** @returns `null` when there is nothing to tell */
export function figuresOf(histogram: Histogram): SpanFigures | null {
  const samples = histogram.reduce((sum, n) => sum + n, 0);
  if (samples === 0) return null;
  const at = (share: number) => quantile(histogram, share * samples);
  return Object.freeze({ samples, p50Ms: at(0.5), p95Ms: at(0.95), p99Ms: at(0.99) });
}

function quantile(histogram: Histogram, rank: number): number {
  let below = 0;
  for (const [n, inside] of histogram.entries()) {
    if (inside > 0 && below + inside >= rank) {
      const from = spanEdgesMs[n - 1] ?? 0;
      const to = spanEdgesMs[n] ?? from;
      return from + ((rank - below) / inside) * (to - from);
    }
    below += inside;
  }
  return spanEdgesMs.at(-1) ?? 0;
}
