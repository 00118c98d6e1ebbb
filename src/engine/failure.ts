import { messageOf, SignalboxError } from '../foundation/errors.js';
import type { JobError } from './job.js';

/** Thrown by a handler: the job fails now, whatever attempts are left. */
export class PermanentError extends Error {
  override readonly name: string = 'PermanentError';
}

/** Thrown by a handler: not now, again in `delayMs`. Burns no attempt; `reason` is what `explain` repeats. */
export class Snooze extends Error {
  override readonly name: string = 'Snooze';
  readonly delayMs: number;

  constructor(delayMs: number, reason: string) {
    super(reason);
    this.delayMs = delayMs;
  }
}

/** Thrown by a handler whose upstream said 429: not now, and no other job of this task before that either. */
export class RateLimited extends Snooze {
  override readonly name = 'RateLimited';
}

const maxTextLength = 4_000;

/** PostgreSQL's text and jsonb cannot hold U+0000, and a lone surrogate is no valid UTF-8. */
export function storableText(text: string, maxLength = maxTextLength): string {
  return text.slice(0, maxLength).replaceAll('\u0000', '\uFFFD').toWellFormed();
}

/** What is kept of a thrown value. Programs branch on `type` and `retryable`, people read `message`. */
export function describeFailure(thrown: unknown, attempt: number): JobError {
  const typed = thrown instanceof SignalboxError;
  const type = typed ? thrown.code : thrown instanceof Error ? thrown.name : typeof thrown;
  const stack = !typed && thrown instanceof Error ? thrown.stack : undefined;
  return Object.freeze({
    type: storableText(type, 200),
    message: storableText(messageOf(thrown)),
    retryable: typed ? thrown.retryable : !(thrown instanceof PermanentError),
    attempt,
    ...(stack === undefined ? {} : { stack: storableText(stack) }),
  });
}
