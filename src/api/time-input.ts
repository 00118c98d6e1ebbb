import { z } from 'zod';

/** A time that a caller gives: RFC 3339, with any offset. */
export const timeInput = z.iso
  .datetime({ offset: true })
  .max(40)
  .refine(isSensibleTime, 'must be between the years 2000 and 9000');

/** RFC 3339 allows the year 0, which PostgreSQL does not have; an offset can also push a time past the year 9999. */
function isSensibleTime(text: string): boolean {
  const ms = Date.parse(text);
  // What is no time at all has been reported as such.
  return Number.isNaN(ms) || (ms >= Date.UTC(2000, 0) && ms < Date.UTC(9000, 0));
}
