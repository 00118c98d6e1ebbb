import type { Socket } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { messageOf } from '../../foundation/errors.js';
import type { Logger } from '../../foundation/logger.js';
import { addressFileOf, releaseAddress, takeAddress } from './address.js';
import { boundLog } from './bounded-log.js';
import { asEmbeddedError } from './errors.js';
import { controlFolderOf } from './layout.js';
import { stopPostmaster } from './postmaster.js';
import { type RunningServer, startServer } from './server.js';
import { type Listening, listenPrivately, removeSocket, sweepSockets } from './supervisor-socket.js';
import { onMessages, readUserMessage, type SupervisorMessage, send } from './wire.js';

/** How long the server outlives a last user that went without a word: a restart finds it warm. */
const graceMs = 1_000;
/** How long the first user may take to come. */
const firstUserMs = 5_000;
const logCheckMs = 60_000;
/** Time for a last answer to reach those who wait. */
const farewellMs = 250;

/** `lost`: another supervisor serves this home. `failed`: the users were told why. */
export type SupervisorOutcome = 'served' | 'lost' | 'failed';

/**
 * Owns the server of one home while anybody uses it. A user is a connection that said `join`; the kernel closes
 * the connections of killed processes, so no user is forgotten and none is counted for ever.
 *
 * It never repairs itself: when anything unforeseen happens, when the server dies, it ends, and the next
 * supervisor, started by a user that still lives, recovers from what it finds. There is one way of recovery.
 */
export class Supervisor {
  readonly #home: string;
  readonly #logger: Logger;
  readonly #users = new Set<Socket>();
  /** Aborted when the last user has gone; never taken back. */
  readonly #deserted = new AbortController();
  #answer: SupervisorMessage | undefined;
  #grace: NodeJS.Timeout | undefined;

  constructor(home: string, logger: Logger) {
    this.#home = home;
    this.#logger = logger;
  }

  /** Resolves when nothing is left to do. The caller then ends the process, which is what closes the connections. */
  async run(): Promise<SupervisorOutcome> {
    const control = controlFolderOf(this.#home);
    const listening = await listenPrivately(control);
    if (!(await takeAddress(addressFileOf(control), listening.path))) {
      await removeSocket(listening.path, control);
      return 'lost';
    }
    this.#admitUsers(listening);
    await sweepSockets(control);
    try {
      return await this.#serve();
    } finally {
      await releaseAddress(addressFileOf(control), listening.path);
      await removeSocket(listening.path, control);
    }
  }

  async #serve(): Promise<SupervisorOutcome> {
    const server = await this.#start();
    if (server === undefined) return this.#deserted.signal.aborted ? 'served' : 'failed';
    const { url, adopted, postmaster, layout } = server;
    this.#tell({ type: 'ready', url, adopted, pid: process.pid });
    this.#logger.info(
      { adopted, users: this.#users.size, server_pid: postmaster.pid },
      'the server is ready',
    );
    const logCheck = setInterval(() => void this.#boundServerLog(layout.serverLog), logCheckMs);
    const deserted = new Promise<'deserted'>((resolve) => {
      if (this.#deserted.signal.aborted) return resolve('deserted');
      this.#deserted.signal.addEventListener('abort', () => resolve('deserted'), { once: true });
    });
    const end = await Promise.race([deserted, postmaster.exited.then(() => 'exited' as const)]);
    clearInterval(logCheck);
    if (end === 'exited') {
      this.#logger.error({ users: this.#users.size }, 'the server ended while it was in use');
      return 'served';
    }
    await stopPostmaster(postmaster, this.#logger);
    this.#logger.info({}, 'the server has stopped with its last user');
    return 'served';
  }

  async #start(): Promise<RunningServer | undefined> {
    try {
      return await startServer(this.#home, this.#logger, this.#deserted.signal);
    } catch (error) {
      if (this.#deserted.signal.aborted) return undefined;
      const { code, message } = asEmbeddedError(error, 'starting the server');
      this.#logger.error({ code, error: message }, 'the server does not start');
      this.#tell({ type: 'failed', code, message });
      await sleep(farewellMs);
      return undefined;
    }
  }

  #admitUsers(listening: Listening): void {
    this.#grace = setTimeout(() => this.#desert(), firstUserMs);
    listening.server.on('connection', (socket) => {
      socket.on('error', (error) => this.#logger.debug({ error: messageOf(error) }, 'a connection broke'));
      // The end is seen before the close, so that a `leave` which came after a death finds the dead gone.
      socket.on('end', () => this.#departed(socket));
      socket.on('close', () => this.#departed(socket));
      onMessages(socket, readUserMessage, (message) => {
        if (message.type === 'join') this.#join(socket);
        else this.#leave(socket);
      });
    });
  }

  #join(socket: Socket): void {
    if (this.#answer === undefined || this.#answer.type === 'ready') {
      clearTimeout(this.#grace);
      this.#users.add(socket);
    }
    if (this.#answer !== undefined) send(socket, this.#answer);
  }

  /** Who leaves last is not answered: the end of this process is the answer, and says that the server is down. */
  #leave(socket: Socket): void {
    this.#users.delete(socket);
    if (this.#users.size > 0) send(socket, { type: 'left' });
    else this.#desert();
  }

  #departed(socket: Socket): void {
    if (!this.#users.delete(socket) || this.#users.size > 0) return;
    clearTimeout(this.#grace);
    this.#grace = setTimeout(() => this.#desert(), graceMs);
  }

  #desert(): void {
    if (this.#deserted.signal.aborted) return;
    this.#tell({ type: 'stopping' });
    this.#deserted.abort();
  }

  /** To everybody who waits, and to everybody who comes later. */
  #tell(message: SupervisorMessage): void {
    if (this.#deserted.signal.aborted) return;
    this.#answer = message;
    for (const user of this.#users) send(user, message);
  }

  async #boundServerLog(path: string): Promise<void> {
    try {
      await boundLog(path);
    } catch (error) {
      this.#logger.warn({ error: messageOf(error) }, 'the server log could not be shortened');
    }
  }
}
