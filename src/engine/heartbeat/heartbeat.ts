import { once } from 'node:events';
import type { Worker as Thread } from 'node:worker_threads';
import type { ConnectionOptions } from '../../database/connection.js';
import { withTimeout } from '../../foundation/abort.js';
import { type Backoff, backoffDelayMs } from '../../foundation/backoff.js';
import { messageOf } from '../../foundation/errors.js';
import type { Logger } from '../../foundation/logger.js';
import type { Command, Hold, Report } from './messages.js';
import { type StartThread, startThread } from './start-thread.js';

export interface HeartbeatOptions {
  /** Only the URL is used: the time-outs follow from the lease. Without a pooler where there is a choice. */
  readonly connection: Pick<ConnectionOptions, 'url'>;
  readonly leaseMs: number;
  readonly logger: Logger;
  /** The database says that this incarnation's lease has ended. */
  readonly onLost: (workerId: string) => void;
  /** Replaced by tests. */
  readonly startThread?: StartThread | undefined;
}

const restartBackoff: Backoff = { initialMs: 100, factor: 2, maxMs: 60_000, jitter: 0.5 };
/** A thread that lived as long as this was sound: its end is the first failure, not one more. */
const soundMs = 60_000;
/** How long a thread may take to say goodbye to the database before it is cut off. */
const stopMs = 1_000;

/**
 * The main thread's side of the heartbeat: a thread with a connection of its own that renews the lease, started
 * with the first `hold` and again whenever it ends. It never keeps the process alive. Between two threads, and
 * where none can be started, nothing is renewed here: the owner of the lease must do it then.
 */
export class Heartbeat {
  readonly #options: HeartbeatOptions;
  #hold: Hold | undefined;
  #thread: Thread | undefined;
  #restart: NodeJS.Timeout | undefined;
  #failures = 0;
  #stopping: Promise<void> | undefined;

  constructor(options: HeartbeatOptions) {
    this.#options = options;
  }

  /** Whether there is a thread. That it reaches the database is not said. */
  get running(): boolean {
    return this.#thread !== undefined;
  }

  /** From now on this lease is renewed, and no other. */
  hold(hold: Hold): void {
    this.#hold = hold;
    if (this.#thread !== undefined) this.#tell({ kind: 'hold', hold });
    else if (this.#restart === undefined) this.#start();
  }

  /** Nothing is renewed until the next `hold`; a renewal may be on its way to the database all the same. */
  release(): void {
    this.#hold = undefined;
    this.#tell({ kind: 'release' });
  }

  /** Resolves when thread and connection are gone. */
  async stop(): Promise<void> {
    this.#hold = undefined;
    clearTimeout(this.#restart);
    this.#restart = undefined;
    const thread = this.#thread;
    if (thread !== undefined) {
      this.#thread = undefined;
      this.#stopping = this.#end(thread);
    }
    await this.#stopping;
  }

  #start(): void {
    this.#restart = undefined;
    const { connection, leaseMs } = this.#options;
    const hold = this.#hold;
    if (hold === undefined) return;
    const limitMs = Math.ceil(leaseMs / 4);
    const started = performance.now();
    let thread: Thread;
    try {
      thread = (this.#options.startThread ?? startThread)({
        // Field by field: `Database` keeps more in there than can be sent to a thread.
        connection: {
          url: connection.url,
          applicationName: 'signalbox heartbeat',
          connectTimeoutMs: limitMs,
          statementTimeoutMs: limitMs,
        },
        leaseMs,
        hold,
      });
    } catch (error) {
      this.#ended(0, messageOf(error));
      return;
    }
    this.#thread = thread;
    let reason: string | undefined;
    thread.on('message', (report: Report) => this.#receive(report));
    thread.on('error', (error) => {
      reason = messageOf(error);
    });
    thread.on('exit', (code) => {
      if (this.#thread !== thread) return;
      this.#thread = undefined;
      this.#ended(performance.now() - started, reason ?? `exit code ${code}`);
    });
    // After the listeners: that for messages holds the process again.
    thread.unref();
  }

  #ended(livedMs: number, reason: string): void {
    this.#failures = livedMs < soundMs ? this.#failures + 1 : 1;
    const delay = backoffDelayMs(restartBackoff, this.#failures);
    this.#options.logger.warn(
      { error: reason, failures: this.#failures },
      `no heartbeat thread: until the next try in ${delay} ms the main thread renews the lease, and a handler that blocks it can lose it`,
    );
    this.#restart = setTimeout(() => this.#start(), delay);
    this.#restart.unref();
  }

  #receive(report: Report): void {
    switch (report.kind) {
      case 'lost':
        this.#options.onLost(report.workerId);
        return;
      case 'log':
        this.#options.logger[report.level](report.fields, report.message);
        return;
      default:
        report satisfies never;
    }
  }

  #tell(command: Command): void {
    this.#thread?.postMessage(command);
  }

  async #end(thread: Thread): Promise<void> {
    // Without this the process could end in the middle of the goodbye.
    thread.ref();
    try {
      const exited = once(thread, 'exit');
      thread.postMessage({ kind: 'stop' } satisfies Command);
      await withTimeout(exited, stopMs, 'stopping the heartbeat thread');
    } catch (error) {
      this.#options.logger.debug({ error: messageOf(error) }, 'the heartbeat thread was cut off');
      await thread.terminate();
    }
  }
}
