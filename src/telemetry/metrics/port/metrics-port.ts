import { once } from 'node:events';
import type { Worker as Thread } from 'node:worker_threads';
import { monotonicMs, RenewalTime } from '../../../engine/heartbeat/renewal-time.js';
import { withTimeout } from '../../../foundation/abort.js';
import { type Backoff, backoffDelayMs } from '../../../foundation/backoff.js';
import { messageOf } from '../../../foundation/errors.js';
import type { Logger } from '../../../foundation/logger.js';
import type { Service } from '../../../foundation/service.js';
import { telemetryErrors } from '../../errors.js';
import type { Format } from '../format.js';
import type { Metrics } from '../metrics.js';
import type { Command, Report } from './messages.js';
import { beatMs } from './page.js';
import { startThread } from './start-thread.js';

export interface MetricsPortOptions {
  readonly metrics: Pick<Metrics, 'write'>;
  readonly host: string;
  readonly port: number;
  readonly token: string | undefined;
  readonly logger: Logger;
}

const startMs = 10_000;
const stopMs = 1_000;
const restartBackoff: Backoff = { initialMs: 250, factor: 2, maxMs: 60_000, jitter: 0.5 };

/**
 * Serves the metrics from a thread of its own, which answers while this one is blocked. The text is written here, when
 * the thread asks for it; so nothing is done while nobody scrapes.
 */
export class MetricsPort implements Service {
  readonly name = 'metrics port';
  readonly #options: MetricsPortOptions;
  readonly #beat = new RenewalTime();
  #port: number;
  #thread: Thread | undefined;
  #pulse: NodeJS.Timeout | undefined;
  #restart: NodeJS.Timeout | undefined;
  #failures = 0;
  #stopped = false;

  constructor(options: MetricsPortOptions) {
    this.#options = options;
    this.#port = options.port;
  }

  /** Where it answers. */
  get url(): string {
    const { host } = this.#options;
    return `http://${host.includes(':') ? `[${host}]` : host}:${this.#port}/metrics`;
  }

  /** @throws metrics_port_unavailable */
  async start(): Promise<void> {
    this.#stopped = false;
    this.#beat.advance(monotonicMs());
    this.#pulse = setInterval(() => this.#beat.advance(monotonicMs()), beatMs).unref();
    try {
      await this.#start();
    } catch (error) {
      await this.stop();
      throw telemetryErrors.metrics_port_unavailable(
        `METRICS_PORT: cannot listen on ${this.#options.host}:${this.#options.port}: ${messageOf(error)}.`,
        { cause: error },
      );
    }
    // So that there is something to tell even if the loop is blocked before the first scrape.
    void this.#hand('prometheus');
  }

  async stop(): Promise<void> {
    this.#stopped = true;
    clearInterval(this.#pulse);
    clearTimeout(this.#restart);
    const thread = this.#thread;
    this.#thread = undefined;
    if (thread === undefined) return;
    // Without this the process could end before the port is closed.
    thread.ref();
    try {
      const exited = once(thread, 'exit');
      thread.postMessage({ kind: 'stop' } satisfies Command);
      await withTimeout(exited, stopMs, 'stopping the metrics thread');
    } catch (error) {
      this.#options.logger.debug({ error: messageOf(error) }, 'the metrics thread was cut off');
      await thread.terminate();
    }
  }

  async #start(): Promise<void> {
    const { host, token } = this.#options;
    const thread = startThread({ host, port: this.#port, token, beat: this.#beat.buffer });
    this.#thread = thread;
    const listening = new Promise<number>((resolve, reject) => {
      thread.on('message', (report: Report) => {
        if (report.kind === 'listening') resolve(report.port);
        else if (report.kind === 'refused') reject(new Error(report.message));
        else void this.#hand(report.format);
      });
      thread.once('error', reject);
      thread.once('exit', (code) => reject(new Error(`the thread ended with exit code ${code}`)));
    });
    try {
      this.#port = await withTimeout(listening, startMs, 'starting the metrics thread');
    } catch (error) {
      if (this.#thread === thread) this.#thread = undefined;
      await thread.terminate();
      throw error;
    }
    this.#failures = 0;
    // An error is followed by the end; without a listener it would end the process.
    thread.on('error', (error) => {
      this.#options.logger.warn({ error: messageOf(error) }, 'the metrics thread broke');
    });
    thread.once('exit', () => {
      if (this.#thread !== thread) return;
      this.#thread = undefined;
      this.#again();
    });
    thread.unref();
  }

  /** A thread that ended by itself is replaced, on the same port. */
  #again(): void {
    if (this.#stopped) return;
    this.#failures += 1;
    const delay = backoffDelayMs(restartBackoff, this.#failures);
    this.#options.logger.warn({}, `METRICS_PORT is not served; trying again in ${delay} ms`);
    this.#restart = setTimeout(() => {
      this.#start().catch((error: unknown) => {
        this.#options.logger.warn({ error: messageOf(error) }, 'METRICS_PORT could not be served again');
        this.#again();
      });
    }, delay);
    this.#restart.unref();
  }

  async #hand(format: Format): Promise<void> {
    const thread = this.#thread;
    try {
      const writtenAt = monotonicMs();
      const text = await this.#options.metrics.write(format);
      thread?.postMessage({ kind: 'text', format, text, writtenAt } satisfies Command);
    } catch (error) {
      // The thread goes on with the last one, and tells its age.
      this.#options.logger.warn({ error: messageOf(error) }, 'the metrics could not be written');
    }
  }
}
