import { type Backoff, backoffDelayMs } from './backoff.js';
import { messageOf } from './errors.js';
import type { Logger } from './logger.js';
import type { Service } from './service.js';
import { type Clock, systemClock } from './time.js';

export interface LoopOptions {
  readonly name: string;
  /** Pause between two runs, milliseconds. */
  readonly intervalMs: number;
  readonly logger: Logger;
  readonly clock?: Clock;
  /** Pauses after failed turns. @default 250 ms, doubled up to 5 s */
  readonly errorBackoff?: Backoff;
  /** One turn. Its error is logged and the loop goes on, later each time it fails again. */
  readonly runOnce: (signal: AbortSignal) => Promise<unknown>;
}

/** Whatever the interval: a heartbeat or a LISTEN must be back soon after what it needs is back. */
const defaultErrorBackoff: Backoff = { initialMs: 250, factor: 2, maxMs: 5_000, jitter: 0.5 };

/** Runs `runOnce` again and again until stopped; `wake()` ends the pause. No error ends it. */
export class Loop implements Service {
  readonly name: string;
  readonly #options: LoopOptions;
  readonly #clock: Clock;
  #stopping: AbortController | undefined;
  #pause: AbortController | undefined;
  #woken = false;
  #running: Promise<void> | undefined;

  constructor(options: LoopOptions) {
    this.name = options.name;
    this.#options = options;
    this.#clock = options.clock ?? systemClock;
  }

  async start(): Promise<void> {
    if (this.#running) return;
    this.#stopping = new AbortController();
    this.#running = this.#run(this.#stopping.signal);
  }

  /** Starts the next turn now, or at once after the one that is under way. */
  wake(): void {
    this.#woken = true;
    this.#pause?.abort();
  }

  async stop(): Promise<void> {
    this.#stopping?.abort();
    this.#pause?.abort();
    await this.#running;
    this.#running = undefined;
  }

  async #run(signal: AbortSignal): Promise<void> {
    let failures = 0;
    while (!signal.aborted) {
      this.#woken = false;
      let delay = this.#options.intervalMs;
      try {
        await this.#options.runOnce(signal);
        failures = 0;
      } catch (error) {
        if (signal.aborted) return;
        failures += 1;
        delay = backoffDelayMs(this.#options.errorBackoff ?? defaultErrorBackoff, failures);
        this.#options.logger.warn(
          { loop: this.name, failures, error: messageOf(error) },
          `${this.name} failed; trying again in ${delay} ms`,
        );
      }
      if (signal.aborted) return;
      if (this.#woken && failures === 0) continue;
      this.#pause = new AbortController();
      await this.#clock.sleep(delay, this.#pause.signal);
      this.#pause = undefined;
    }
  }
}
