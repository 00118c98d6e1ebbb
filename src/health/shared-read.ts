import { AbortReason, waitOrAbort } from '../foundation/abort.js';

export interface SharedReadOptions<T> {
  readonly read: (signal: AbortSignal) => Promise<T>;
  /** Longest that anybody waits, milliseconds. */
  readonly timeoutMs: number;
}

/** Questions without an answer beyond which no further one is asked: each may hold a connection of the pool. */
const mostUnanswered = 2;
/** After this time a question that was never answered does not count any more. */
const forgottenMs = 30_000;

/**
 * Asks once for all who wait at the same moment, and anew for whoever comes after the answer: nothing is kept, so
 * no change can hide behind it. A source that hangs is asked a bounded number of times.
 */
export class SharedRead<T> {
  readonly #options: SharedReadOptions<T>;
  /** When each question without an answer was asked. */
  readonly #unanswered = new Set<{ readonly at: number }>();
  #asking: Promise<T> | undefined;

  constructor(options: SharedReadOptions<T>) {
    this.#options = options;
  }

  /** @throws AbortReason of kind `timeout`, and whatever `read` throws */
  async get(): Promise<T> {
    this.#asking ??= this.#ask().finally(() => {
      this.#asking = undefined;
    });
    return this.#asking;
  }

  async #ask(): Promise<T> {
    const { read, timeoutMs } = this.#options;
    const question = { at: performance.now() };
    for (const old of this.#unanswered) {
      if (question.at - old.at > forgottenMs) this.#unanswered.delete(old);
    }
    if (this.#unanswered.size >= mostUnanswered) {
      throw new AbortReason('timeout', 'no answer to what was asked before');
    }
    const controller = new AbortController();
    const timer = setTimeout(
      () => controller.abort(new AbortReason('timeout', `no answer within ${timeoutMs} ms`)),
      timeoutMs,
    );
    this.#unanswered.add(question);
    const answer = Promise.resolve()
      .then(() => read(controller.signal))
      .finally(() => this.#unanswered.delete(question));
    try {
      // The race, because a source that ignores its signal must not hold up those who wait.
      return await waitOrAbort(answer, controller.signal);
    } finally {
      clearTimeout(timer);
    }
  }
}
