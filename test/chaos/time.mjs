import { setTimeout as sleep } from 'node:timers/promises';

export { sleep };

/**
 * Rejects when `promise` takes longer than `ms`; `what` names it.
 * @template T @param {Promise<T>} promise @param {number} ms @param {string} what @returns {Promise<T>}
 */
export async function within(promise, ms, what) {
  const over = new AbortController();
  const late = sleep(ms, undefined, { signal: over.signal }).then(() => {
    throw new Error(`${what} took longer than ${ms} ms`);
  });
  try {
    return await Promise.race([promise, late]);
  } finally {
    over.abort();
    late.catch(() => undefined);
  }
}

/**
 * Calls `ask` until it answers something else than `undefined`; an error counts as no answer yet.
 * @template T @param {() => Promise<T | undefined>} ask @param {number} ms @param {string} what
 * @param {AbortSignal} [signal] ends the waiting @returns {Promise<T>}
 */
export async function until(ask, ms, what, signal) {
  const deadline = Date.now() + ms;
  let last;
  for (;;) {
    try {
      const answer = await within(ask(), Math.max(deadline - Date.now(), 1), what);
      if (answer !== undefined) return answer;
    } catch (error) {
      last = error;
    }
    signal?.throwIfAborted();
    if (Date.now() >= deadline) throw new Error(`${what}: not within ${ms} ms`, { cause: last });
    await sleep(50);
  }
}

/** Undoes what was begun, last first, and goes on when one step fails. */
export class Cleanup {
  #steps = [];
  #done;

  /** @param {string} what @param {() => unknown} undo */
  add(what, undo) {
    this.#steps.push({ what, undo });
  }

  /** @returns {Promise<void>} */
  run() {
    this.#done ??= this.#run();
    return this.#done;
  }

  async #run() {
    for (const { what, undo } of this.#steps.reverse()) {
      try {
        await within(Promise.resolve(undo()), 45_000, what);
      } catch (error) {
        process.stderr.write(`cleaning up: ${what}: ${error instanceof Error ? error.message : error}\n`);
      }
    }
  }
}
