import { urgentLevel } from './levels.js';
import type { LineTarget } from './line-sink.js';

/** Written at the latest after this time, or when this many characters have come together. */
const holdMs = 50;
const holdLength = 16_384;

/**
 * Gathers log lines for a moment and writes them together: one write per line is a system call per request. A line of
 * level warn or above goes out at once, with all before it; the end of the process, also by an uncaught error, writes
 * the rest. A process that is killed or loses its power loses the lines below warn of its last 50 ms.
 */
export class LineBuffer implements LineTarget {
  lastLevel = 0;
  readonly #destination: NodeJS.WritableStream;
  #text = '';
  #timer: NodeJS.Timeout | undefined;

  constructor(destination: NodeJS.WritableStream) {
    this.#destination = destination;
  }

  write(line: string): void {
    this.#text += line;
    if (this.lastLevel >= urgentLevel || this.#text.length >= holdLength) this.flush();
    else this.#timer ??= setTimeout(() => this.flush(), holdMs).unref();
  }

  flush(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    const text = this.#text;
    this.#text = '';
    if (text !== '') this.#destination.write(text);
  }
}
