import { execFileSync } from 'node:child_process';
import {
  chmodSync,
  chownSync,
  existsSync,
  lstatSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  realpathSync,
  rmSync,
  statSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import pg from 'pg';
import { onTestFinished } from 'vitest';
import type { Compiled } from './compiled.js';
import { User, type UserOptions } from './user.js';

export interface Process {
  readonly pid: number;
  readonly command: readonly string[];
}

/** One test's home, the processes that belong to it, and their end. */
export class Site {
  readonly home: string;
  readonly #compiled: Compiled;
  readonly #folder: string;
  readonly #users: User[] = [];
  readonly #homes = new Set<string>();

  /** The home may be reached by every account, unless `mode` says otherwise. */
  constructor(compiled: Compiled, options: { mode?: number; owner?: number; under?: string } = {}) {
    this.#compiled = compiled;
    this.#folder = mkdtempSync(join(options.under ?? tmpdir(), 'signalbox-test-'));
    chmodSync(this.#folder, options.mode ?? 0o755);
    if (options.owner !== undefined) chownSync(this.#folder, options.owner, options.owner);
    this.home = join(this.#folder, '.signalbox');
    onTestFinished(() => this.#clean(), 60_000);
  }

  get folder(): string {
    return this.#folder;
  }

  get control(): string {
    return join(this.home, 'postgres');
  }

  /** The data folder, through the pointer. */
  get data(): string {
    return realpathSync(join(this.control, 'data'));
  }

  /**
   * A site whose home was used before: saves the making of the data, which takes longer than all the rest.
   * The first one of a test file makes it; the others get copies.
   */
  static async used(compiled: Compiled): Promise<Site> {
    const site = new Site(compiled);
    const original = join(compiled.scratch, 'used-home');
    if (!existsSync(original)) {
      const user = site.user();
      await user.up();
      await user.stop();
      execFileSync('cp', ['-pR', site.home, original]);
    } else execFileSync('cp', ['-pR', original, site.home]);
    return site;
  }

  user(options: Partial<UserOptions> = {}): User {
    const script = this.#compiled.path('database/embedded/testing/user-main.js');
    const user = new User({ script, home: this.home, ...options });
    this.#users.push(user);
    this.#homes.add(options.home ?? this.home);
    return user;
  }

  supervisors(): Process[] {
    return processes().filter(
      ({ command }) => command.includes(this.home) && command[1]?.endsWith('supervisor-main.js'),
    );
  }

  servers(): Process[] {
    const data = existsSync(join(this.control, 'data')) ? this.data : join(this.control, 'data');
    return processes().filter(({ command }) => command[0]?.endsWith('/postgres') && command.includes(data));
  }

  /** The server's children, which are named by what they do; found by their parent. */
  serverFamily(): number[] {
    const heads = this.servers().map(({ pid }) => pid);
    return [
      ...heads,
      ...processes()
        .map(({ pid }) => pid)
        .filter((pid) => heads.includes(parentOf(pid))),
    ];
  }

  /** Nothing of this home runs any more. */
  async quiet(): Promise<void> {
    await until(() => this.supervisors().length + this.servers().length === 0, 'the end of all processes');
  }

  async #clean(): Promise<void> {
    for (const user of this.#users) await user.kill();
    try {
      await this.quiet();
    } finally {
      for (const { pid } of [...this.supervisors(), ...this.servers()]) process.kill(pid, 'SIGKILL');
      for (const home of this.#homes) removeOutside(join(home, 'postgres', 'data'));
      rmSync(this.#folder, { recursive: true, force: true });
    }
  }
}

/** What a pointer in a home leads to. */
function removeOutside(pointer: string): void {
  if (!existsSync(pointer) || !lstatSync(pointer).isSymbolicLink()) return;
  rmSync(dirname(readlinkSync(pointer)), { recursive: true, force: true });
}

function processes(): Process[] {
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .flatMap((name) => {
      const command = read(`/proc/${name}/cmdline`).split('\0');
      return command[0] ? [{ pid: Number(name), command }] : [];
    });
}

function parentOf(pid: number): number {
  return Number(/^PPid:\s+(\d+)/m.exec(read(`/proc/${pid}/status`))?.[1] ?? 0);
}

/** Processes end while we look. */
function read(path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return '';
  }
}

/** For what sends no signal: processes that are not our children, files that others write. */
export async function until(
  holds: () => boolean | Promise<boolean>,
  what: string,
  ms = 30_000,
): Promise<void> {
  const end = Date.now() + ms;
  while (!(await holds())) {
    if (Date.now() > end) throw new Error(`waited ${ms} ms for ${what}`);
    await pause(40);
  }
}

export async function withClient<T>(url: string, use: (client: pg.Client) => Promise<T>): Promise<T> {
  const client = new pg.Client({ connectionString: url, connectionTimeoutMillis: 5_000 });
  client.on('error', () => {});
  try {
    await client.connect();
    return await use(client);
  } finally {
    await client.end();
  }
}

/** The first column of the first row. */
export function ask(url: string, sql: string): Promise<unknown> {
  return withClient(url, async (client) => {
    const { rows } = await client.query({ text: sql, rowMode: 'array' });
    return rows[0]?.[0];
  });
}

export function modeOf(path: string): string {
  return (statSync(path).mode & 0o777).toString(8);
}
