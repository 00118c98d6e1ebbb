import { setTimeout as sleep } from 'node:timers/promises';
import { PermanentError, Snooze, task } from 'signalbox';
import { z } from 'zod';

/** Of all jobs with such a key so many run at once. */
export const keyLimits = Object.freeze({ 'tenant:a': 1, 'tenant:b': 2, 'tenant:c': 3, 'tenant:probe': 1 });
/** Of all attempts of this task so many run at once. */
export const narrowLimit = 3;

const backoff = { initialMs: 200, factor: 2, maxMs: 2_000, jitter: 0.5 };

/**
 * What the load consists of. Each call leaves a start and an end in the effects table and returns who it was,
 * so that the recorded outcome can be held against the attempt that is said to have made it.
 * @param {import('./effects.mjs').Effects | undefined} effects not needed to enqueue
 */
export function chaosTasks(effects) {
  const define = (name, input, work, options = {}) =>
    task({
      name,
      input: z.strictObject(input),
      queue: 'chaos',
      backoff,
      maxAttempts: 5,
      ...options,
      run: async (given, context) => {
        if (effects === undefined) throw new Error('this process only enqueues');
        const nonce = await effects.begin(context.job, context.signal);
        let ending = 'threw';
        try {
          await work(given, context, nonce);
          ending = 'returned';
        } catch (error) {
          ending = context.signal.aborted ? 'aborted' : error instanceof Snooze ? 'snoozed' : 'threw';
          throw error;
        } finally {
          effects.end(nonce, ending, context.job);
        }
        return { nonce, attempt: context.job.attempt };
      },
    });
  const ms = { ms: z.int() };

  return [
    define('quick', ms, ({ ms }, { signal }) => pause(ms, signal)),
    define('slow', ms, async ({ ms }, { signal, progress, log }) => {
      for (let part = 1; part <= 4; part += 1) {
        await pause(ms / 4, signal);
        progress(part / 4, `part ${part}`);
        log('info', 'a part is done', { part });
      }
    }),
    define('flaky', { ms: z.int(), times: z.int() }, async ({ ms, times }, { job, signal }) => {
      await pause(ms, signal);
      if (job.attempt <= times) throw new Error(`fails ${times} times`);
    }),
    define('permanent', ms, async ({ ms }, { signal }) => {
      await pause(ms, signal);
      throw new PermanentError('never works');
    }),
    define(
      'exhausted',
      ms,
      async ({ ms }, { signal }) => {
        await pause(ms, signal);
        throw new Error('fails each time');
      },
      { maxAttempts: 2 },
    ),
    define('snoozing', { ms: z.int(), delayMs: z.int() }, async ({ ms, delayMs }, { job, signal }) => {
      await pause(ms, signal);
      if (job.attempt === 1) throw new Snooze(delayMs, 'not yet');
    }),
    define('overdue', {}, (_input, { signal }) => pause(600_000, signal), { maxAttempts: 2, timeoutMs: 700 }),
    // Does not listen to its signal, but ends soon.
    define('stubborn', ms, ({ ms }) => sleep(ms)),
    // At most so many at once: by the job's key, by its task, by what the runner sets while it runs.
    define('keyed', { ms: z.int(), key: z.string() }, ({ ms }, { signal }) => pause(ms, signal), {
      concurrency: ({ key }) => ({ key, limit: keyLimits[key] }),
    }),
    define('narrow', ms, ({ ms }, { signal }) => pause(ms, signal), { maxRunning: narrowLimit }),
    define('gated', ms, ({ ms }, { signal }) => pause(ms, signal)),
    define('single', { ms: z.int(), key: z.string() }, ({ ms }, { signal }) => pause(ms, signal), {
      unique: ({ key }) => ({ key }),
    }),
    // Its row and its success are one transaction.
    define('booked', ms, async ({ ms }, { job, signal, complete }, nonce) => {
      await pause(ms, signal);
      await complete(async (tx) => {
        await tx.query('insert into chaos.booking (job_id, attempt, nonce) values ($1, $2, $3)', [
          job.id,
          job.attempt,
          nonce,
        ]);
        return { nonce, attempt: job.attempt };
      });
    }),
    define('tick', { slot: z.string() }, async () => undefined),
    // Tells at the end of the campaign whether an idle worker wakes up.
    define('probe', {}, async () => undefined),
  ];
}

/** Rejects with the signal's reason when it fires. */
async function pause(ms, signal) {
  try {
    await sleep(ms, undefined, { signal });
  } catch (error) {
    throw signal.reason ?? error;
  }
}
