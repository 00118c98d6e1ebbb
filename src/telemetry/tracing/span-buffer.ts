import { withTimeout } from '../../foundation/abort.js';
import { messageOf } from '../../foundation/errors.js';
import type { Logger } from '../../foundation/logger.js';

export interface SpanBufferOptions<Item> {
  /** Where they go, for the log. */
  readonly name: string;
  /** Takes them all or rejects. */
  readonly write: (items: readonly Item[]) => Promise<void>;
  /** Told of every item once. */
  readonly count: (result: 'written' | 'full' | 'failed' | 'stopped', items: number) => void;
  readonly logger: Logger;
  /** Items held at most, those under way included. @default 4096 */
  readonly capacity?: number;
  /** @default 512 */
  readonly maxBatch?: number;
  /** A batch that is not full goes after this time, milliseconds. @default 2000 */
  readonly batchMs?: number;
}

const tellMs = 60_000;

/**
 * Holds spans until a batch goes. Nobody waits for it: what finds no room, or is not taken, is counted and gone, for a
 * trace is worth less than the work it tells of.
 */
export class SpanBuffer<Item> {
  readonly #options: SpanBufferOptions<Item>;
  readonly #capacity: number;
  readonly #maxBatch: number;
  #held: Item[] = [];
  #underWay = 0;
  #writing: Promise<void> | undefined;
  #timer: NodeJS.Timeout | undefined;
  #toldAt = Number.NEGATIVE_INFINITY;
  #lost = 0;
  #stopped = false;
  #abandoned = false;

  constructor(options: SpanBufferOptions<Item>) {
    this.#options = options;
    this.#capacity = options.capacity ?? 4_096;
    this.#maxBatch = options.maxBatch ?? 512;
  }

  add(item: Item): void {
    if (this.#stopped) {
      this.#options.count('stopped', 1);
      return;
    }
    if (this.#held.length + this.#underWay >= this.#capacity) {
      this.#options.count('full', 1);
      return;
    }
    this.#held.push(item);
    if (this.#writing !== undefined) return;
    if (this.#held.length >= this.#maxBatch) this.#begin();
    else this.#timer ??= setTimeout(() => this.#begin(), this.#options.batchMs ?? 2_000).unref();
  }

  /** Gives what is held one try, for so long at most: nobody's stop waits longer for who does not answer. */
  async stop(withinMs: number): Promise<void> {
    this.#stopped = true;
    const last = async () => {
      await this.#writing;
      this.#begin();
      await this.#writing;
    };
    try {
      await withTimeout(last(), withinMs, `the last spans for the ${this.#options.name}`);
    } catch (error) {
      this.#abandoned = true;
      this.#tell(error, this.#held.length + this.#underWay);
      this.#options.count('stopped', this.#held.splice(0).length + this.#underWay);
    }
  }

  #begin(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    if (this.#writing !== undefined || this.#held.length === 0) return;
    this.#writing = this.#writeAll().finally(() => {
      this.#writing = undefined;
      if (this.#held.length > 0 && !this.#stopped) {
        this.#timer = setTimeout(() => this.#begin(), this.#options.batchMs ?? 2_000).unref();
      }
    });
  }

  async #writeAll(): Promise<void> {
    do {
      const batch = this.#held.splice(0, this.#maxBatch);
      this.#underWay = batch.length;
      const result = await this.#try(batch);
      // Counted when the stop gave it up.
      if (this.#abandoned) return;
      this.#underWay = 0;
      this.#options.count(result, batch.length);
      if (result === 'failed' && this.#stopped) {
        // What is left would not arrive either.
        this.#options.count('stopped', this.#held.splice(0).length);
      }
    } while (this.#held.length >= this.#maxBatch || (this.#stopped && this.#held.length > 0));
  }

  async #try(batch: readonly Item[]): Promise<'written' | 'failed'> {
    try {
      await this.#options.write(batch);
      return 'written';
    } catch (error) {
      this.#tell(error, batch.length);
      return 'failed';
    }
  }

  #tell(error: unknown, lost: number): void {
    this.#lost += lost;
    if (performance.now() - this.#toldAt < tellMs) return;
    const { logger, name } = this.#options;
    logger.warn(
      { sink: name, lost: this.#lost, error: messageOf(error) },
      'spans do not arrive and were dropped',
    );
    this.#toldAt = performance.now();
    this.#lost = 0;
  }
}
