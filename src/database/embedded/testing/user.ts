import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';

/** One line that a user process told. */
export interface UserEvent {
  readonly event: 'up' | 'stopped' | 'failed' | 'log';
  readonly url?: string;
  readonly joined?: boolean;
  readonly code?: string;
  readonly message?: string;
}

export interface UserOptions {
  readonly script: string;
  readonly home: string;
  readonly timeoutMs?: number;
  /** Run as this account. */
  readonly uid?: number;
  readonly env?: Readonly<Record<string, string>>;
}

/** A process of its own that uses the embedded PostgreSQL. */
export class User {
  readonly process: ChildProcess;
  readonly #heard: UserEvent[] = [];
  #wake: () => void = () => {};
  #ended = false;
  #errors = '';

  constructor(options: UserOptions) {
    const { script, home, timeoutMs = 60_000, uid, env = {} } = options;
    this.process = spawn(process.execPath, [script, home, String(timeoutMs)], {
      stdio: ['pipe', 'pipe', 'pipe'],
      env: { PATH: process.env.PATH ?? '', ...env },
      ...(uid === undefined ? {} : { uid, gid: uid, cwd: '/' }),
    });
    const { stdout, stderr } = this.process;
    stderr?.on('data', (chunk: Buffer) => {
      this.#errors += chunk.toString();
    });
    if (stdout === null) throw new Error('no pipe');
    const lines = createInterface({ input: stdout });
    lines.on('line', (line) => {
      this.#heard.push(JSON.parse(line));
      this.#wake();
    });
    lines.on('close', () => {
      this.#ended = true;
      this.#wake();
    });
  }

  /** Everything it has told. */
  get heard(): readonly UserEvent[] {
    return this.#heard;
  }

  /** The first event that fits, told already or to come. */
  async hear(fits: (event: UserEvent) => boolean): Promise<UserEvent> {
    for (let next = 0; ; next += 1) {
      while (next >= this.#heard.length) {
        if (this.#ended) throw new Error(`the user ended: ${JSON.stringify(this.#heard)} ${this.#errors}`);
        await new Promise<void>((resolve) => {
          this.#wake = resolve;
        });
      }
      const event = this.#heard[next];
      if (event && fits(event)) return event;
    }
  }

  /** Its URL, once it has one. */
  async up(): Promise<{ url: string; joined: boolean }> {
    const { event, url, joined, code, message } = await this.hear((each) => each.event !== 'log');
    if (event !== 'up' || url === undefined || joined === undefined) throw new Error(`${code}: ${message}`);
    return { url, joined };
  }

  async stop(): Promise<void> {
    this.process.stdin?.write('stop\n');
    await this.hear((each) => each.event === 'stopped');
  }

  async kill(): Promise<void> {
    if (this.process.exitCode !== null || this.process.signalCode !== null) return;
    const exited = once(this.process, 'exit');
    this.process.kill('SIGKILL');
    await exited;
  }
}
