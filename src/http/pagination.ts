import { z } from 'zod';
import { fieldInvalid } from './errors.js';
import { queryInteger } from './query.js';

/** Query fields of every list. */
export const pageQuery = {
  cursor: z.string().min(1).max(512).optional().describe('`next_cursor` of the page before'),
  limit: queryInteger({ min: 1, max: 200, fallback: 50, describe: 'Items on a page' }),
};

/** The body of every list. */
export function pageOf<S extends z.ZodType>(item: S) {
  return z.object({
    items: z.array(item),
    next_cursor: z.string().nullable().describe('`null` on the last page'),
  });
}

/** Opaque to callers: they hand it back as it came. */
export function encodeCursor(position: string): string {
  return Buffer.from(position, 'utf8').toString('base64url');
}

/**
 * The position in a cursor that `encodeCursor` made and `accepts` recognises.
 * @throws fields_invalid naming `cursor`
 */
export function decodeCursor(
  cursor: string | undefined,
  accepts: (position: string) => boolean,
): string | undefined {
  if (cursor === undefined) return undefined;
  const position = Buffer.from(cursor, 'base64url').toString('utf8');
  // Node skips what is not base64url; only what encodes back to the same text was made by us.
  if (encodeCursor(position) === cursor && accepts(position)) return position;
  throw fieldInvalid('cursor', 'is not a cursor of this list');
}

/** Cuts what was read with `limit + 1` to a page: the item too many says that there is another one. */
export function toPage<T>(
  read: readonly T[],
  limit: number,
  positionOf: (item: T) => string,
): { items: T[]; nextCursor: string | null } {
  const items = read.slice(0, limit);
  const last = items.at(-1);
  return {
    items,
    nextCursor: read.length > limit && last !== undefined ? encodeCursor(positionOf(last)) : null,
  };
}
