import { z } from 'zod';

/** Input of the task that the HTTP measure enqueues: with the envelope a body of about 100 bytes. */
export const noteInput = z.strictObject({
  n: z.number(),
  to: z.string().max(100),
  text: z.string().max(200),
});
