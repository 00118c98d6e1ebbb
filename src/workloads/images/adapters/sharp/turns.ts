import { waitOrAbort } from '../../../../foundation/abort.js';

interface Waiting {
  readonly weight: number;
  readonly go: () => void;
}

/**
 * Lets work through while its weights together stay below a limit, in the order in which it came. Work that
 * is heavier than the limit runs alone.
 */
export class Turns {
  readonly #limit: number;
  #used = 0;
  #waiting: Waiting[] = [];

  constructor(limit: number) {
    this.#limit = limit;
  }

  /** @throws the signal's reason while waiting */
  async run<T>(weight: number, signal: AbortSignal, work: () => Promise<T>): Promise<T> {
    await this.#enter(weight, signal);
    try {
      return await work();
    } finally {
      this.#used -= weight;
      this.#admit();
    }
  }

  async #enter(weight: number, signal: AbortSignal): Promise<void> {
    signal.throwIfAborted();
    let entry: Waiting | undefined;
    let entered = false;
    const turn = new Promise<void>((resolve) => {
      entry = {
        weight,
        go: () => {
          entered = true;
          this.#used += weight;
          resolve();
        },
      };
      this.#waiting.push(entry);
    });
    this.#admit();
    try {
      await waitOrAbort(turn, signal);
    } catch (reason) {
      this.#waiting = this.#waiting.filter((other) => other !== entry);
      if (entered) this.#used -= weight;
      this.#admit();
      throw reason;
    }
  }

  #admit(): void {
    for (;;) {
      const next = this.#waiting[0];
      if (next === undefined || (this.#used > 0 && this.#used + next.weight > this.#limit)) return;
      this.#waiting.shift();
      next.go();
    }
  }
}
