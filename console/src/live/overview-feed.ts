import { fetchOverview, open } from '../api/client.js';
import { ApiProblem, asProblem } from '../api/problem.js';
import type { Overview } from '../api/types.js';
import { readEvents } from './event-stream.js';
import { sleep } from './sleep.js';

/** `connecting`: nothing yet. `stale`: the newest numbers are older than `staleAfterMs`. */
export type Connection = 'connecting' | 'live' | 'reconnecting' | 'stale' | 'paused' | 'unauthorized';

export interface FeedSnapshot {
  readonly connection: Connection;
  readonly overview: Overview | null;
  /** This browser's clock, in ms, when `overview` came in. */
  readonly receivedAt: number | null;
  /** What went wrong last; null once something went right. */
  readonly problem: ApiProblem | null;
}

/** The stream speaks at least every 5 s. */
const silentAfterMs = 6_000;
const pollEveryMs = 5_000;
const brokenAfterMs = 12_000;
export const staleAfterMs = 15_000;
const longestBackoffMs = 15_000;

/**
 * Keeps the newest overview: from the event stream while it lives, by polling while it does not.
 * Never throws; what goes wrong is in the snapshot. `start` and `stop` may be called any number of times.
 */
export class OverviewFeed {
  #snapshot: FeedSnapshot = { connection: 'connecting', overview: null, receivedAt: null, problem: null };
  #listeners = new Set<() => void>();
  #run: AbortController | null = null;
  #started = false;
  #pausedByUser = false;
  #hidden = false;
  #staleTimer: ReturnType<typeof setTimeout> | undefined;

  readonly subscribe = (listener: () => void): (() => void) => {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  };

  readonly getSnapshot = (): FeedSnapshot => this.#snapshot;

  start(): void {
    this.#started = true;
    this.#settle();
  }

  stop(): void {
    this.#started = false;
    this.#halt();
  }

  setPaused(paused: boolean): void {
    this.#pausedByUser = paused;
    this.#settle();
  }

  /** A tab that nobody sees asks for nothing. */
  setHidden(hidden: boolean): void {
    this.#hidden = hidden;
    this.#settle();
  }

  /** Asks anew, for instance with another key. */
  restart(): void {
    this.#halt();
    this.#set({ connection: 'connecting' });
    this.#settle();
  }

  #settle(): void {
    // Asking again with the key that was refused would only count against its owner.
    if (this.#snapshot.connection === 'unauthorized') return;
    const wanted = this.#started && !this.#pausedByUser && !this.#hidden;
    if (wanted && this.#run === null) this.#begin();
    else if (!wanted && this.#run !== null) this.#halt();
    if (this.#started && !wanted) this.#set({ connection: 'paused' });
  }

  #begin(): void {
    const run = new AbortController();
    this.#run = run;
    // After a long pause the old numbers stay marked as such until new ones come or fail to.
    if (this.#snapshot.overview === null) this.#set({ connection: 'connecting' });
    else if (this.#silence() < staleAfterMs) this.#set({ connection: 'reconnecting' });
    this.#armStale();
    void this.#pollWhileSilent(run.signal);
    void this.#keepStreaming(run.signal);
  }

  #halt(): void {
    this.#run?.abort();
    this.#run = null;
    clearTimeout(this.#staleTimer);
  }

  async #keepStreaming(signal: AbortSignal): Promise<void> {
    let failures = 0;
    while (!signal.aborted) {
      const heard = await this.#stream(signal).catch((thrown: unknown) => {
        this.#fail(signal, thrown);
        return false;
      });
      if (signal.aborted) return;
      if (this.#snapshot.connection === 'live') this.#set({ connection: 'reconnecting' });
      failures = heard ? 1 : failures + 1;
      const ceiling = Math.min(1_000 * 2 ** (failures - 1), longestBackoffMs);
      // Jitter: after a restart of the server a room full of tabs must not come back in one instant.
      await sleep(ceiling * (0.5 + Math.random() / 2), signal);
    }
  }

  /** Whether the stream said anything before it ended. */
  async #stream(signal: AbortSignal): Promise<boolean> {
    const watchdog = new AbortController();
    let timer = setTimeout(() => watchdog.abort(), brokenAfterMs);
    let heard = false;
    try {
      const response = await open('/api/v1/overview/stream', {
        headers: { accept: 'text/event-stream' },
        signal: AbortSignal.any([signal, watchdog.signal]),
      });
      if (response.body === null) return false;
      await readEvents(response.body, ({ event, data }) => {
        clearTimeout(timer);
        timer = setTimeout(() => watchdog.abort(), brokenAfterMs);
        if (event !== 'overview' || signal.aborted) return;
        this.#take(parseOverview(data), 'live');
        heard = true;
      });
    } catch (thrown) {
      if (!heard) throw thrown;
    } finally {
      clearTimeout(timer);
    }
    return heard;
  }

  async #pollWhileSilent(signal: AbortSignal): Promise<void> {
    let wait = 0;
    while (!signal.aborted) {
      await sleep(wait, signal);
      if (signal.aborted) return;
      const silence = this.#silence();
      if (silence < silentAfterMs) {
        wait = silentAfterMs - silence;
        continue;
      }
      await this.#poll(signal);
      wait = pollEveryMs;
    }
  }

  async #poll(signal: AbortSignal): Promise<void> {
    const before = this.#snapshot.receivedAt;
    try {
      const overview = await fetchOverview(signal);
      // The stream was faster: its numbers are newer than this answer.
      if (signal.aborted || this.#snapshot.receivedAt !== before) return;
      const { connection } = this.#snapshot;
      const streaming = connection === 'live' || connection === 'connecting';
      this.#take(checked(overview), streaming ? connection : 'reconnecting');
    } catch (thrown) {
      this.#fail(signal, thrown);
    }
  }

  #silence(): number {
    const { receivedAt } = this.#snapshot;
    return receivedAt === null ? Number.POSITIVE_INFINITY : Date.now() - receivedAt;
  }

  #take(overview: Overview, connection: Connection): void {
    this.#set({ overview, receivedAt: Date.now(), connection, problem: null });
    this.#armStale();
  }

  #fail(signal: AbortSignal, thrown: unknown): void {
    if (signal.aborted) return;
    const problem = asProblem(thrown);
    if (problem.status === 401 || problem.status === 403) {
      this.#halt();
      this.#set({ connection: 'unauthorized', problem });
      return;
    }
    const old = this.#snapshot.overview !== null && this.#silence() >= staleAfterMs;
    this.#set({ problem, connection: old ? 'stale' : 'reconnecting' });
  }

  #armStale(): void {
    clearTimeout(this.#staleTimer);
    this.#staleTimer = setTimeout(() => this.#set({ connection: 'stale' }), staleAfterMs);
  }

  #set(change: Partial<FeedSnapshot>): void {
    this.#snapshot = { ...this.#snapshot, ...change };
    for (const listener of this.#listeners) listener();
  }
}

function parseOverview(data: string): Overview {
  try {
    return checked(JSON.parse(data));
  } catch {
    throw notUnderstood();
  }
}

/** A server of another version must show as a problem, not as a blank page. */
function checked(value: unknown): Overview {
  const overview = value as Partial<Overview> | null;
  const whole =
    typeof overview === 'object' &&
    overview !== null &&
    typeof overview.counts === 'object' &&
    Array.isArray(overview.recent_jobs) &&
    Array.isArray(overview.workers) &&
    Array.isArray(overview.findings);
  if (!whole) throw notUnderstood();
  return overview as Overview;
}

function notUnderstood(): ApiProblem {
  return new ApiProblem(
    0,
    'not_understood',
    'The server sent an overview that this page cannot read. Reload it.',
  );
}
