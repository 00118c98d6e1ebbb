import type { ChildProcess } from 'node:child_process';
import { mkdir, realpath } from 'node:fs/promises';
import { setTimeout as sleep } from 'node:timers/promises';
import { AbortReason, abortCauseOf } from '../../foundation/abort.js';
import { messageOf } from '../../foundation/errors.js';
import { addressFileOf, readAddress } from './address.js';
import { boundLog, logTail } from './bounded-log.js';
import { asEmbeddedError, embeddedErrors } from './errors.js';
import { controlFolderOf } from './layout.js';
import { ensurePrivateFolder } from './private-file.js';
import { type Seat, takeSeat } from './seat.js';
import { isTrustedSocket } from './supervisor-socket.js';
import { spawnSupervisor, supervisorLogOf } from './supervisor-spawn.js';

export interface JoinOptions {
  readonly home: string;
  readonly timeoutMs: number;
  readonly signal: AbortSignal;
  /** True: nothing of it keeps the process alive. */
  readonly background: boolean;
}

export interface Joined {
  readonly seat: Seat;
  /** Whether the server was there before us. */
  readonly joined: boolean;
}

const lookMs = 25;
/** So often a supervisor may die before it speaks, until we believe that it will not get better. */
const maxMutes = 3;

/**
 * A place with the supervisor of the home, which is started when there is none.
 * @throws embedded_start_timeout, and what the supervisor reports
 */
export async function join(options: JoinOptions): Promise<Joined> {
  const overdue = new AbortController();
  const timer = setTimeout(
    () => overdue.abort(new AbortReason('timeout', 'the start took too long')),
    options.timeoutMs,
  );
  if (options.background) timer.unref();
  try {
    return await seek(options, AbortSignal.any([options.signal, overdue.signal]));
  } catch (error) {
    if (options.signal.aborted || abortCauseOf(overdue.signal) !== 'timeout') {
      throw asEmbeddedError(error, `starting the embedded PostgreSQL of ${options.home}`);
    }
    throw embeddedErrors.embedded_start_timeout(
      `No server within ${options.timeoutMs} ms. ${await lastWords(options.home)}`,
      { cause: error },
    );
  } finally {
    clearTimeout(timer);
  }
}

async function seek(options: JoinOptions, signal: AbortSignal): Promise<Joined> {
  const control = await openControl(options.home);
  const starter = new Starter(options.home);
  for (;;) {
    const address = await readAddress(addressFileOf(control));
    if (address !== undefined && (await isTrustedSocket(address, control))) {
      const seat = await takeSeat(address, signal, options.background);
      if (seat) return { seat, joined: seat.ready.adopted || seat.ready.pid !== starter.pid };
    }
    await starter.ensure();
    await sleep(starter.pauseMs * (1 + Math.random()), undefined, { signal, ref: !options.background });
  }
}

async function openControl(home: string): Promise<string> {
  const control = controlFolderOf(home);
  await ensurePrivateFolder(control);
  await boundLog(supervisorLogOf(home), 1024 * 1024);
  return control;
}

/** The supervisor that we started, and how often ours died before they spoke. */
class Starter {
  readonly #home: string;
  #child: ChildProcess | undefined;
  #error: unknown;
  #mutes = 0;
  #starts = 0;

  constructor(home: string) {
    this.#home = home;
  }

  get pid(): number | undefined {
    return this.#child?.pid;
  }

  /** Until the next look; longer when we start one after the other and never get to sit. */
  get pauseMs(): number {
    return lookMs * Math.min(2 ** Math.max(this.#starts - 1, 0), 40);
  }

  /** Starts one unless the one we started lives. @throws embedded_start_failed after the third that died mute. */
  async ensure(): Promise<void> {
    if (this.#child && this.#child.exitCode === null && this.#child.signalCode === null && !this.#error)
      return;
    // 0: it saw another supervisor, or has served. `null`: somebody killed it. Neither says that it cannot.
    if (this.#error !== undefined || (this.#child?.exitCode ?? 0) !== 0) this.#mutes += 1;
    if (this.#mutes >= maxMutes) {
      const reason = this.#error === undefined ? '' : ` (${messageOf(this.#error)})`;
      throw embeddedErrors.embedded_start_failed(
        `The supervisor does not start${reason}. ${await lastWords(this.#home)}`,
      );
    }
    this.#error = undefined;
    this.#starts += 1;
    this.#child = spawnSupervisor(this.#home);
    this.#child.once('error', (error) => {
      this.#error = error;
    });
  }
}

async function lastWords(home: string): Promise<string> {
  const log = supervisorLogOf(home);
  const tail = await logTail(log, 0, 2_000).catch(messageOf);
  return `The end of ${log}:\n${tail}`;
}

/** One spelling per home: two names of one folder must not get two servers. */
export async function canonicalHome(home: string): Promise<string> {
  await mkdir(home, { recursive: true });
  return realpath(home);
}
