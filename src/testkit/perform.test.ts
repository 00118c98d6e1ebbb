import { describe, expect, it } from 'vitest';
import { z } from 'zod';
import type { Queryable } from '../database/queryable.js';
import { PermanentError, RateLimited, Snooze } from '../engine/failure.js';
import { type TaskOptions, task } from '../engine/task.js';
import { AbortReason } from '../foundation/abort.js';
import { performJob } from './index.js';

const schema = z.object({ text: z.string(), times: z.number().default(1) });
type Options = Partial<TaskOptions<typeof schema>>;

function echo(run: TaskOptions<typeof schema>['run'], options: Options = {}) {
  return task({
    name: 'echo',
    input: schema,
    backoff: { initialMs: 1_000, factor: 2, jitter: 0 },
    ...options,
    run,
  });
}

/** Resolves when the handler is told to stop, and does what it is told. */
function untilAborted(signal: AbortSignal): Promise<never> {
  return new Promise((_resolve, reject) => {
    if (signal.aborted) reject(signal.reason);
    signal.addEventListener('abort', () => reject(signal.reason), { once: true });
  });
}

describe('performJob', () => {
  it('gives result, logs and progress, with the input as the handler gets it', async () => {
    const shout = echo(async ({ text, times }, { job, log, progress }) => {
      log('info', 'shouting', { text });
      log('warn', 'bad\u0000text', { big: 1n });
      progress(0.5, 'half');
      progress(7);
      return { text: text.toUpperCase().repeat(times), at: new Date(0), by: job.owner, attempt: job.attempt };
    });
    const performed = await performJob(shout, { text: 'a' }, { attempt: 2, owner: 'ann', tags: ['x'] });
    expect(performed).toMatchObject({
      outcome: 'succeeded',
      result: { text: 'A', at: '1970-01-01T00:00:00.000Z', by: 'ann', attempt: 2 },
      error: null,
      reason: null,
      delayMs: null,
      thrown: undefined,
    });
    expect(performed.logs).toEqual([
      { level: 'info', message: 'shouting', data: { text: 'a' } },
      { level: 'warn', message: 'bad\uFFFDtext', data: { unstorable: true } },
    ]);
    expect(performed.progress).toEqual([
      { fraction: 0.5, message: 'half' },
      { fraction: 1, message: null },
    ]);
  });

  it('refuses what could not be enqueued', async () => {
    const never = echo(async () => expect.unreachable());
    await expect(performJob(never, { text: 5 } as unknown as { text: string })).rejects.toMatchObject({
      code: 'input_invalid',
      fields: [{ field: 'input.text' }],
    });
    await expect(performJob(never, { text: '' }, { attempt: 0 })).rejects.toThrow(TypeError);
  });

  it('says what the engine would do after an error', async () => {
    const error = new Error('upstream is down');
    const fails = echo(() => Promise.reject(error));
    expect(await performJob(fails, { text: '' })).toMatchObject({
      outcome: 'retrying',
      delayMs: 1_000,
      reason: 'error',
      error: { type: 'Error', message: 'upstream is down', attempt: 1 },
      thrown: error,
    });
    expect(await performJob(fails, { text: '' }, { attempt: 2 })).toMatchObject({ delayMs: 2_000 });
    // A run that was given back or rescued before is no failure.
    expect(await performJob(fails, { text: '' }, { attempt: 9, failures: 1 })).toMatchObject({
      outcome: 'retrying',
      delayMs: 2_000,
    });
    expect(await performJob(fails, { text: '' }, { attempt: 3 })).toMatchObject({
      outcome: 'failed',
      reason: 'attempts_exhausted',
      delayMs: null,
    });
    const permanent = echo(() => Promise.reject(new PermanentError('no such thing')));
    expect(await performJob(permanent, { text: '' })).toMatchObject({
      outcome: 'failed',
      reason: 'permanent_error',
    });
    const judged = echo(() => Promise.reject(error), { classify: () => ({ retryInMs: 77 }) });
    expect(await performJob(judged, { text: '' })).toMatchObject({ outcome: 'retrying', delayMs: 77 });
    const unstorable = echo(async () => ({ big: 1n }));
    expect(await performJob(unstorable, { text: '' })).toMatchObject({
      outcome: 'failed',
      reason: 'permanent_error',
    });
  });

  it('tells a snooze from a failure', async () => {
    const later = echo(() => Promise.reject(new Snooze(5_000, 'no sandbox is free')));
    expect(await performJob(later, { text: '' })).toMatchObject({
      outcome: 'snoozed',
      delayMs: 5_000,
      reason: 'snoozed',
      message: 'no sandbox is free',
      error: null,
    });
    const slowDown = echo(() => Promise.reject(new RateLimited(9_000, '429')));
    expect(await performJob(slowDown, { text: '' })).toMatchObject({
      reason: 'rate_limited',
      delayMs: 9_000,
    });
  });

  it('stops a handler as a worker does', async () => {
    const waits = echo(async (_input, { signal }) => untilAborted(signal));
    expect(await performJob(waits, { text: '' }, { timeoutMs: 1 })).toMatchObject({
      outcome: 'retrying',
      reason: 'timeout',
      error: { type: 'timeout' },
    });
    const stop = async (reason?: unknown) => {
      const controller = new AbortController();
      const performing = performJob(waits, { text: '' }, { signal: controller.signal });
      controller.abort(reason);
      return (await performing).outcome;
    };
    expect(await stop()).toBe('cancelled');
    expect(await stop(new AbortReason('shutdown', 'deploy'))).toBe('released');
    expect(await stop(new AbortReason('lease_lost', 'network'))).toBe('lost');
    expect(await stop(new AbortReason('deadline', 'too late'))).toBe('failed');
    expect(await performJob(waits, { text: '' }, { signal: AbortSignal.abort() })).toMatchObject({
      outcome: 'cancelled',
    });
    const done = echo(async (_input, { signal }) => untilAborted(signal).catch(() => 'done all the same'));
    expect(await performJob(done, { text: '' }, { signal: AbortSignal.abort() })).toMatchObject({
      outcome: 'succeeded',
      result: 'done all the same',
    });
  });

  it('leaves a handler behind that ignores its signal', async () => {
    const deaf = echo(() => new Promise(() => undefined));
    expect(await performJob(deaf, { text: '' }, { timeoutMs: 1, abortGraceMs: 1 })).toMatchObject({
      outcome: 'retrying',
      reason: 'timeout',
      thrown: undefined,
    });
  });

  it('completes in what the test gives it', async () => {
    const completes = echo(async (_input, { complete }) => {
      await complete(async (tx) => (await tx.query<{ n: number }>('select 1 as n')).rows[0]);
      return 'not looked at';
    });
    const tx: Queryable = { query: async () => ({ rows: [{ n: 5 }] as never[], rowCount: 1 }) };
    expect(await performJob(completes, { text: '' }, { tx })).toMatchObject({
      outcome: 'succeeded',
      result: { n: 5 },
    });
    expect((await performJob(completes, { text: '' })).thrown).toBeInstanceOf(TypeError);
  });

  it('runs middleware around the handler', async () => {
    const said: string[] = [];
    const inner = echo(async () => said.push('handler'));
    const wrap = (name: string) => async (_context: unknown, next: () => Promise<unknown>) => {
      said.push(name);
      return next();
    };
    await performJob(inner, { text: '' }, { middleware: [wrap('outer'), wrap('inner')] });
    expect(said).toEqual(['outer', 'inner', 'handler']);
  });
});
