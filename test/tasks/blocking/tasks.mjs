// A handler that lets nothing else run in its process.
import { task } from 'signalbox';
import { z } from 'zod';

export const block = task({
  name: 'test.block',
  input: z.strictObject({ ms: z.number() }),
  run: async ({ ms }) => {
    for (const until = performance.now() + ms; performance.now() < until; );
  },
});
