import { fork } from 'node:child_process';

const alive = new Set();

/** Kills what is left: only what was started here. */
export function killAll() {
  for (const child of alive) child.kill('SIGKILL');
}

/** Registers a child so that it dies with the bench, whatever happens. */
export function own(child) {
  alive.add(child);
  child.once('exit', () => alive.delete(child));
  child.once('error', () => alive.delete(child));
  return child;
}

const stopMs = 15_000;

/** A module in a process of its own, so that no system's event loop disturbs another's. Answers calls in order. */
export class Remote {
  #child;
  #pending = new Map();
  #last = 0;
  #output = '';
  #gone;

  /** @param {{node: string, file: string, args?: string[], execArgv?: string[]}} options */
  constructor({ node, file, args = [], execArgv = [] }) {
    this.#child = own(
      fork(file, args, { execPath: node, execArgv, stdio: ['ignore', 'pipe', 'pipe', 'ipc'] }),
    );
    for (const stream of [this.#child.stdout, this.#child.stderr]) {
      stream.on('data', (chunk) => {
        this.#output = (this.#output + chunk).slice(-2_000);
      });
    }
    this.#child.on('message', ({ id, value, error }) => {
      const waiting = this.#pending.get(id);
      this.#pending.delete(id);
      if (error === undefined) waiting?.resolve(value);
      else waiting?.reject(new Error(error));
    });
    this.#gone = new Promise((resolve) => {
      const end = (why) => {
        const said = this.#output.trim();
        for (const waiting of this.#pending.values()) {
          waiting.reject(new Error(`its process ended (${why})${said === '' ? '' : `: ${said}`}`));
        }
        this.#pending.clear();
        resolve();
      };
      this.#child.once('exit', (code, signal) => end(signal ?? code));
      this.#child.once('error', (error) => end(error.message));
    });
  }

  /** @throws Error after `timeoutMs`, when the method throws, or when the process ends first */
  async call(method, args = {}, timeoutMs = 60_000) {
    const id = ++this.#last;
    const { promise, resolve, reject } = deferred();
    if (!this.#child.connected) throw new Error(`its process is gone: ${this.#output.trim()}`);
    this.#pending.set(id, { resolve, reject });
    this.#child.send({ id, method, args });
    const timer = setTimeout(() => {
      this.#pending.delete(id);
      reject(new Error(`no answer to ${method} within ${Math.round(timeoutMs / 1_000)} s`));
    }, timeoutMs);
    try {
      return await promise;
    } finally {
      clearTimeout(timer);
    }
  }

  /** In order if it can, by force if it does not. Never throws. */
  async stop() {
    if (this.#child.connected) this.#child.disconnect();
    const timer = setTimeout(() => this.#child.kill('SIGKILL'), stopMs);
    await this.#gone;
    clearTimeout(timer);
  }
}

function deferred() {
  let resolve;
  let reject;
  const promise = new Promise((yes, no) => {
    resolve = yes;
    reject = no;
  });
  return { promise, resolve, reject };
}

/** The other end: answers calls with the methods of `api`, and leaves when the bench does. */
export function serve(api, close = async () => undefined) {
  process.on('message', async ({ id, method, args }) => {
    try {
      process.send({ id, value: (await api[method](args)) ?? null });
    } catch (error) {
      process.send({ id, error: error instanceof Error ? error.message || error.name : String(error) });
    }
  });
  process.on('disconnect', async () => {
    // Whatever a library still holds open must not keep the process: the next system needs a quiet machine.
    setTimeout(() => process.exit(0), 10_000).unref();
    await close().catch(() => undefined);
    process.exit(0);
  });
}
