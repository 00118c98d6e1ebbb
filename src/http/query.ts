import { z } from 'zod';

/** A whole number in a query string. Anything but plain digits is refused: no `1e3`, no ` 5`, no empty text. */
export function queryInteger(options: { min: number; max: number; fallback: number; describe?: string }) {
  const { min, max, fallback } = options;
  return z.preprocess(
    (value) => (typeof value === 'string' && /^-?\d{1,15}$/.test(value) ? Number(value) : value),
    z
      .int()
      .min(min)
      .max(max)
      .default(fallback)
      .describe(options.describe ?? ''),
  );
}

/** Words of a closed set in a query string: repeated, separated by commas, or both. */
export function queryWords<const W extends string>(words: readonly W[], describe = '') {
  return z.preprocess(
    (value) => {
      if (value === undefined) return undefined;
      const given: unknown[] = Array.isArray(value) ? value : [value];
      return given.flatMap((item) => (typeof item === 'string' ? item.split(',') : [item]));
    },
    z.array(z.enum(words)).min(1).max(50).optional().describe(describe),
  );
}
