export interface BatcherOptions<Item, Result> {
  /** Does the work for all of them at once; the answers have the order of the items. */
  readonly run: (items: readonly Item[]) => Promise<readonly Result[]>;
  /** Batches under way at once. Two keep the disk busy while the next one is gathered. */
  readonly concurrency: number;
  /** Items for which a batch beside others is worth its own round trip; fewer wait for those. @default 1 */
  readonly worthwhile?: number;
  /** Most items of one batch. */
  readonly maxBatch: number;
  /**
   * Whether an error is the fault of some item rather than of them all. Then each is tried alone, so that one
   * caller's mistake is not answered to the others.
   */
  readonly blames: (error: unknown) => boolean;
}

interface Waiting<Item, Result> {
  readonly item: Item;
  resolve(result: Result): void;
  reject(error: unknown): void;
}

/**
 * Turns many small calls into few large ones without a timer: the first goes at once, and what arrives while
 * it is under way goes together with the next. An idle caller waits for nobody; a busy time pays one
 * commit for many.
 */
export class Batcher<Item, Result> {
  readonly #options: BatcherOptions<Item, Result>;
  #waiting: Waiting<Item, Result>[] = [];
  #running = 0;

  constructor(options: BatcherOptions<Item, Result>) {
    this.#options = options;
  }

  /** How many wait for a batch to begin. */
  get waiting(): number {
    return this.#waiting.length;
  }

  add(item: Item): Promise<Result> {
    return new Promise((resolve, reject) => {
      this.#waiting.push({ item, resolve, reject });
      // In the next turn of the event loop, so that calls made together travel together.
      const { length } = this.#waiting;
      if (length === 1 || length === this.#options.worthwhile) setImmediate(() => this.#pump());
    });
  }

  #pump(): void {
    while (this.#mayBegin) {
      const batch = this.#waiting.slice(0, this.#options.maxBatch);
      this.#waiting = this.#waiting.slice(batch.length);
      this.#running += 1;
      void this.#settle(batch).finally(() => {
        this.#running -= 1;
        this.#pump();
      });
    }
  }

  get #mayBegin(): boolean {
    const { concurrency, worthwhile = 1 } = this.#options;
    const enough = this.#running === 0 ? 1 : worthwhile;
    return this.#running < concurrency && this.#waiting.length >= enough;
  }

  async #settle(batch: readonly Waiting<Item, Result>[]): Promise<void> {
    try {
      const results = await this.#options.run(batch.map(({ item }) => item));
      for (const [index, { resolve }] of batch.entries()) resolve(results[index] as Result);
    } catch (error) {
      if (batch.length > 1 && this.#options.blames(error)) {
        await Promise.all(batch.map((one) => this.#settle([one])));
      } else {
        for (const { reject } of batch) reject(error);
      }
    }
  }
}
