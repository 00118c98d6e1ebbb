// Tasks of a user's own, as `SIGNALBOX_TASKS` loads them: each start and end is written to a file.
import { appendFileSync } from 'node:fs';
import { setTimeout as wait } from 'node:timers/promises';
import { task } from 'signalbox';
import { z } from 'zod';

const input = z.strictObject({ file: z.string(), ms: z.number().default(0) });

function note(file, word, job) {
  appendFileSync(file, `${word} ${job.id} ${job.attempt} ${process.pid}\n`);
}

export const slow = task({
  name: 'test.slow',
  input,
  run: async ({ file, ms }, { job, signal }) => {
    note(file, 'start', job);
    // Only the first attempt is slow: whoever rescues the job must not wait as long.
    if (job.attempt === 1) await wait(ms, undefined, { signal });
    note(file, 'end', job);
    return { attempt: job.attempt };
  },
});

export const open = task({
  name: 'test.open',
  input: z.strictObject({ text: z.string().max(100) }),
  open: { permission: 'jobs:write', price: () => 0, admit: async () => undefined },
  run: async ({ text }) => ({ text }),
});

export const talk = task({
  name: 'test.talk',
  input: z.strictObject({ text: z.string().max(1_000), times: z.int().min(1).max(10_000) }),
  open: { permission: 'jobs:write', price: () => 0, admit: async () => undefined },
  run: async ({ text, times }, { log }) => {
    for (let n = 0; n < times; n += 1) log('info', text, { n });
  },
});

export const notATask = { name: 'something else' };

export const fail = task({
  name: 'test.fail',
  input: z.strictObject({}),
  open: { permission: 'jobs:write', price: () => 0, admit: async () => undefined },
  maxAttempts: 1,
  run: async () => {
    throw new RangeError('it fails whatever it is given');
  },
});
