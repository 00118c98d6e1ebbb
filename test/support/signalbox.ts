import { type ChildProcess, spawn } from 'node:child_process';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';

const main = fileURLToPath(new URL('../../dist/cli/main.js', import.meta.url));

export type LogLine = Readonly<Record<string, unknown>> & { readonly level: string; readonly msg: string };

export interface ProcessOptions {
  readonly env?: Readonly<Record<string, string>>;
}

/** A real Signalbox process, and what it says. */
export class SignalboxProcess {
  readonly child: ChildProcess;
  readonly lines: LogLine[] = [];
  readonly exited: Promise<number | null>;
  stdout = '';
  stderr = '';
  readonly #waiting = new Set<() => void>();

  constructor(args: readonly string[], options: ProcessOptions = {}) {
    this.child = spawn(process.execPath, [main, ...args], {
      env: { ...cleanEnvironment(), ...options.env },
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    this.child.stderr?.on('data', (chunk: Buffer) => {
      this.stderr += chunk.toString();
    });
    if (this.child.stdout) {
      createInterface({ input: this.child.stdout }).on('line', (line) => this.#read(line));
    }
    this.exited = new Promise((resolve) => {
      this.child.once('close', (code) => {
        resolve(code);
        this.#wake();
      });
    });
  }

  get pid(): number {
    return this.child.pid ?? 0;
  }

  kill(signal: NodeJS.Signals): void {
    this.child.kill(signal);
  }

  /** The first line of the log that matches; rejects when the process ends without one. */
  async line(holds: (line: LogLine) => boolean): Promise<LogLine> {
    for (;;) {
      const found = this.lines.find(holds);
      if (found) return found;
      if (this.child.exitCode !== null || this.child.signalCode !== null) {
        throw new Error(`the process ended (${this.child.exitCode}): ${this.stdout}${this.stderr}`);
      }
      await new Promise<void>((resolve) => this.#waiting.add(resolve));
    }
  }

  /** Resolves when the process says that it runs. @returns that line: roles, url, queues, worker … */
  async running(): Promise<LogLine> {
    return this.line(({ msg }) => msg.startsWith('signalbox runs as'));
  }

  async stop(signal: NodeJS.Signals = 'SIGTERM'): Promise<number | null> {
    if (this.child.exitCode === null && this.child.signalCode === null) this.kill(signal);
    return this.exited;
  }

  #read(line: string): void {
    this.stdout += `${line}\n`;
    if (line.startsWith('{')) this.lines.push(JSON.parse(line) as LogLine);
    this.#wake();
  }

  #wake(): void {
    for (const resolve of this.#waiting) resolve();
    this.#waiting.clear();
  }
}

/** Runs one command to its end. */
export async function signalbox(
  args: readonly string[],
  env: Readonly<Record<string, string>> = {},
): Promise<{ code: number | null; stdout: string; stderr: string }> {
  const run = new SignalboxProcess(args, { env });
  const code = await run.exited;
  return { code, stdout: run.stdout, stderr: run.stderr };
}

/** None of this shell's settings, so that a developer's environment changes no test. */
function cleanEnvironment(): Record<string, string> {
  return { PATH: process.env.PATH ?? '', HOME: process.env.HOME ?? '/tmp', LANG: 'C.UTF-8', NO_COLOR: '1' };
}
