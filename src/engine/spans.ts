/**
 * Edges of the spans of time by which waits and runs are counted, milliseconds. Span n holds what is shorter than
 * edge n and not shorter than the one before; the last one everything longer. `signalbox.span` has the same.
 */
export const spanEdgesMs: readonly number[] = Object.freeze([
  1, 2, 5, 10, 20, 50, 100, 200, 500, 1_000, 2_000, 5_000, 10_000, 20_000, 30_000, 60_000, 120_000, 300_000,
  600_000, 1_800_000, 3_600_000, 21_600_000,
]);
