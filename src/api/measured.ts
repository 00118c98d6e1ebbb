import { z } from 'zod';

/** The age of numbers, spelled the same wherever numbers are: when they were measured. */
export const measuredAt = z.iso.datetime().describe('When the numbers beside it were measured');

export const count = z.int().min(0);
export const milliseconds = z.number().min(0);
