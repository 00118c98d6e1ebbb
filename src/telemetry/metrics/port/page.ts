import { monotonicMs, type RenewalTime } from '../../../engine/heartbeat/renewal-time.js';
import { contentTypes, endText, type Format, formats } from '../format.js';
import type { Exposition } from '../metrics.js';
import { MetricRegistry } from '../registry.js';
import { familyTexts } from '../render.js';
import { portMetrics } from './declarations.js';

/** How often the main loop says that it has turns, milliseconds. */
export const beatMs = 250;
/** An answer that has not come by then may never come: it is asked for again. */
const askAgainMs = 2_000;
/** How long a scrape waits for the main thread: it must answer within a second, come what may. */
const waitMs = 700;

interface Written {
  readonly format: Format;
  readonly text: string;
  readonly writtenAt: number;
}

export interface MetricsPageOptions {
  readonly beat: RenewalTime;
  /** Asks the main thread for the newest text. */
  readonly want: (format: Format) => void;
}

/** What the thread answers: the newest text of the main thread, however old, with its age and what the thread sees. */
export class MetricsPage {
  readonly #options: MetricsPageOptions;
  readonly #registry = new MetricRegistry(Object.values(portMetrics));
  readonly #written = new Map<Format, Written>();
  readonly #waiting = new Set<{ readonly format: Format; readonly resolve: () => void }>();
  readonly #askedAt = new Map<Format, number>();

  constructor(options: MetricsPageOptions) {
    this.#options = options;
  }

  receive(written: Written): void {
    this.#written.set(written.format, written);
    this.#askedAt.delete(written.format);
    for (const { format, resolve } of this.#waiting) if (format === written.format) resolve();
  }

  async read(wanted: Format): Promise<Exposition> {
    await this.#fresh(wanted);
    const written = this.#written.get(wanted) ?? this.#any();
    const format = written?.format ?? wanted;
    this.#observe(written);
    const own = [...familyTexts(this.#registry.families(), format)].join('');
    return { contentType: contentTypes[format], text: (written?.text ?? '') + own + endText[format] };
  }

  /** Resolves when a newer text is there, or when it is no use to wait any longer. */
  async #fresh(format: Format): Promise<void> {
    const now = monotonicMs();
    if (now - (this.#askedAt.get(format) ?? Number.NEGATIVE_INFINITY) > askAgainMs) {
      this.#askedAt.set(format, now);
      this.#options.want(format);
    }
    await new Promise<void>((resolve) => {
      const done = () => {
        clearTimeout(timer);
        this.#waiting.delete(waiting);
        resolve();
      };
      const waiting = { format, resolve: done };
      const timer = setTimeout(done, waitMs);
      this.#waiting.add(waiting);
    });
  }

  #any(): Written | undefined {
    return formats.map((format) => this.#written.get(format)).find((written) => written !== undefined);
  }

  #observe(written: Written | undefined): void {
    const now = monotonicMs();
    const age = written === undefined ? Number.POSITIVE_INFINITY : (now - written.writtenAt) / 1_000;
    const silent = (now - this.#options.beat.ms) / 1_000;
    this.#registry.gauge(portMetrics.age).set({}, age);
    // A turn may come a little late without the loop being blocked.
    this.#registry.gauge(portMetrics.unresponsive).set({}, silent < (2 * beatMs) / 1_000 ? 0 : silent);
  }
}
