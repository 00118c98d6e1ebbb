import type { Logger } from '../../foundation/logger.js';
import { oneLine } from './wording.js';

export interface WatchdogOptions {
  /** Called with GET; `undefined`: there is none. */
  readonly url: string | undefined;
  readonly logger: Logger;
  /** Milliseconds between two calls. @default 60000 */
  readonly intervalMs?: number;
  /** Milliseconds. @default 10000 */
  readonly timeoutMs?: number;
  /** Milliseconds of a clock that never goes back. @default performance.now */
  readonly now?: () => number;
}

/** What became of the calls, for metrics. */
export interface WatchdogCounts {
  readonly succeeded: number;
  readonly failed: number;
}

/**
 * Dead man's switch: a service outside raises the alarm when the calls stop. So only an evaluation that has just
 * ended may call it, and nothing else: a timer would go on saying that all is well when nobody looks any more.
 */
export class Watchdog {
  readonly #options: WatchdogOptions;
  #calledAt = Number.NEGATIVE_INFINITY;
  #calling: Promise<void> | undefined;
  #succeeded = 0;
  #failed = 0;

  constructor(options: WatchdogOptions) {
    this.#options = options;
  }

  get counts(): WatchdogCounts {
    return Object.freeze({ succeeded: this.#succeeded, failed: this.#failed });
  }

  /** Call it after each evaluation. At most one call a minute goes out; it never throws and nobody need wait for it. */
  async ping(): Promise<void> {
    const { url, intervalMs = 60_000, now = () => performance.now() } = this.#options;
    if (url === undefined) return;
    if (this.#calling === undefined && now() - this.#calledAt >= intervalMs) {
      this.#calledAt = now();
      this.#calling = this.#call(url).finally(() => {
        this.#calling = undefined;
      });
    }
    await this.#calling;
  }

  async #call(url: string): Promise<void> {
    const { logger, timeoutMs = 10_000 } = this.#options;
    try {
      const signal = AbortSignal.timeout(timeoutMs);
      const response = await fetch(url, {
        redirect: 'manual',
        signal,
        headers: { 'user-agent': 'signalbox' },
      });
      await response.body?.cancel();
      if (!response.ok) throw new Refused(`it answered ${response.status}`);
      this.#succeeded += 1;
    } catch (error) {
      this.#failed += 1;
      // Any other message may hold the URL, which is a secret.
      const why = error instanceof Refused ? error.message : `no answer (${oneLine(nameOf(error), 50)})`;
      logger.warn(
        { error: why },
        'the watchdog could not be called; the service behind it will raise the alarm',
      );
    }
  }
}

class Refused extends Error {}

function nameOf(error: unknown): string {
  return error instanceof Error ? error.name : 'unknown';
}
