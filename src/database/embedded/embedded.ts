import { setTimeout as sleep } from 'node:timers/promises';
import { withTimeout } from '../../foundation/abort.js';
import { type Backoff, backoffDelayMs } from '../../foundation/backoff.js';
import { messageOf } from '../../foundation/errors.js';
import type { Logger } from '../../foundation/logger.js';
import { asEmbeddedError, embeddedErrors } from './errors.js';
import { canonicalHome, type Joined, join } from './join.js';
import type { Seat } from './seat.js';

export interface EmbeddedOptions {
  /** SIGNALBOX_HOME folder, such as `/x/.signalbox`. Made when missing. On a local disk, used by one machine. */
  readonly home: string;
  readonly logger: Logger;
  /** How long to wait for the server, recovery from a crash included. Default two minutes. */
  readonly startTimeoutMs?: number;
}

/** This process's use of the home's server. While it lasts, the server runs. */
export interface EmbeddedPostgres {
  /**
   * `postgres://signalbox:<password>@127.0.0.1:<port>/signalbox`: secret. It changes only if the server died and
   * its port was taken by another program before it came back; a warning is logged then.
   */
  readonly url: string;
  /** True when the server was running, or another process was starting it, before us. */
  readonly joined: boolean;
  /**
   * Leaves. The server stops with its last user; it is down when this resolves for that one.
   * May be called twice. @throws embedded_stop_timeout
   */
  stop(): Promise<void>;
}

const defaultStartTimeoutMs = 120_000;
/** More than the 30 seconds that a supervisor takes at worst. */
const stopTimeoutMs = 40_000;
const rejoinBackoff: Backoff = { initialMs: 100, factor: 2, maxMs: 15_000, jitter: 0.8 };

/**
 * The embedded PostgreSQL of a home: started, or joined when another process has started it.
 * Does not keep the process alive. Errors: the catalogue `embeddedErrors`, and nothing else.
 */
export async function startEmbeddedPostgres(options: EmbeddedOptions): Promise<EmbeddedPostgres> {
  const { logger, startTimeoutMs: timeoutMs = defaultStartTimeoutMs } = options;
  const stopping = new AbortController();
  const home = await canonicalHome(options.home).catch((error: unknown) => {
    throw asEmbeddedError(error, `opening ${options.home}`);
  });
  const first = await join({ home, timeoutMs, signal: stopping.signal, background: false });
  return new Membership(first, { home, timeoutMs, logger, stopping });
}

interface MembershipOptions {
  readonly home: string;
  readonly timeoutMs: number;
  readonly logger: Logger;
  readonly stopping: AbortController;
}

class Membership implements EmbeddedPostgres {
  readonly joined: boolean;
  readonly #options: MembershipOptions;
  #url: string;
  /** `undefined` while we seek a new one. */
  #seat: Seat | undefined;
  #stopped: Promise<void> | undefined;

  constructor(first: Joined, options: MembershipOptions) {
    this.joined = first.joined;
    this.#options = options;
    this.#url = first.seat.ready.url;
    this.#sit(first.seat);
  }

  get url(): string {
    return this.#url;
  }

  stop(): Promise<void> {
    this.#stopped ??= this.#leave();
    return this.#stopped;
  }

  async #leave(): Promise<void> {
    this.#options.stopping.abort();
    const seat = this.#seat;
    if (seat === undefined) return;
    try {
      await withTimeout(seat.leave(), stopTimeoutMs, 'the stop');
    } catch (cause) {
      seat.abandon();
      throw embeddedErrors.embedded_stop_timeout(messageOf(cause), { cause });
    }
  }

  #sit(seat: Seat): void {
    this.#seat = seat;
    void seat.closed.then(() => {
      this.#seat = undefined;
      if (!this.#options.stopping.signal.aborted) void this.#rejoin();
    });
  }

  /** The supervisor was killed, or ended because the server did. Goes on until there is one, or we stop. */
  async #rejoin(): Promise<void> {
    const { home, timeoutMs, logger, stopping } = this.#options;
    logger.warn({ home }, 'the supervisor of the embedded PostgreSQL is gone; looking for another');
    for (let failures = 1; !stopping.signal.aborted; failures += 1) {
      try {
        // Each user waits another time, so that one starts the supervisor and the others find it.
        await sleep(backoffDelayMs(rejoinBackoff, failures), undefined, {
          signal: stopping.signal,
          ref: false,
        });
        const { seat } = await join({ home, timeoutMs, signal: stopping.signal, background: true });
        return this.#resume(seat);
      } catch (error) {
        if (stopping.signal.aborted) return;
        logger.warn({ home, failures, error: messageOf(error) }, 'no embedded PostgreSQL yet; trying again');
      }
    }
  }

  #resume(seat: Seat): void {
    const { home, logger, stopping } = this.#options;
    if (stopping.signal.aborted) {
      seat.abandon();
      return;
    }
    if (seat.ready.url === this.#url) logger.info({ home }, 'the embedded PostgreSQL is supervised again');
    else logger.error({ home }, 'the embedded PostgreSQL came back at another address; restart this process');
    this.#url = seat.ready.url;
    this.#sit(seat);
  }
}
