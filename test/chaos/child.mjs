import { fork } from 'node:child_process';
import { once } from 'node:events';
import { closeSync, openSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

/** A process of the campaign: it gets its settings in the first message and ends when we do. */
export class Child {
  /** Why it may end; anything else is a violation. @type {'killed' | 'left' | undefined} */
  leaving;
  /** @type {Promise<{ code: number | null, signal: string | null, at: number }>} */
  exited;
  #process;

  /**
   * @param {string} script in `process/`
   * @param {object} options
   * @param {string} options.name
   * @param {string} options.log file
   * @param {object} options.settings first message
   * @param {(message: any) => void} options.onMessage
   */
  constructor(script, { name, log, settings, onMessage }) {
    this.name = name;
    this.log = log;
    const file = openSync(log, 'a');
    const path = fileURLToPath(new URL(`./process/${script}`, import.meta.url));
    this.#process = fork(path, [], { stdio: ['ignore', file, file, 'ipc'] });
    closeSync(file);
    this.#process.on('message', onMessage);
    this.#process.on('error', (error) => process.stderr.write(`${name}: ${error.message}\n`));
    this.exited = once(this.#process, 'exit').then(([code, signal]) => ({ code, signal, at: Date.now() }));
    this.send(settings);
  }

  get pid() {
    return this.#process.pid ?? 0;
  }

  get alive() {
    return this.#process.exitCode === null && this.#process.signalCode === null;
  }

  /** @param {object} message */
  send(message) {
    // It may have been killed a moment ago; whoever cares waits for `exited`.
    if (this.#process.connected) this.#process.send(message, () => undefined);
  }

  /** @param {NodeJS.Signals} signal */
  signal(signal) {
    if (this.alive) this.#process.kill(signal);
  }

  /** For the end: whatever state it is in, a stopped one included. */
  async end() {
    this.leaving ??= 'killed';
    this.signal('SIGKILL');
    await this.exited;
  }
}
