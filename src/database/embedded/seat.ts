import { connect, type Socket } from 'node:net';
import { errnoOf } from './errno.js';
import { embeddedErrorFrom } from './errors.js';
import { onMessages, readSupervisorMessage, type SupervisorMessage, send } from './wire.js';

type Ready = Extract<SupervisorMessage, { type: 'ready' }>;

/** One user's place with a supervisor, held by an open connection. */
export class Seat {
  readonly ready: Ready;
  /** Resolves when the connection has ended: the supervisor did, or it let us go after `leave`. */
  readonly closed: Promise<void>;
  readonly #socket: Socket;

  constructor(socket: Socket, ready: Ready, closed: Promise<void>) {
    this.#socket = socket;
    this.ready = ready;
    this.closed = closed;
  }

  /** Leaves in order. When we were the last, the connection ends once the server is down. */
  async leave(): Promise<void> {
    this.#socket.ref();
    onMessages(this.#socket, readSupervisorMessage, (message) => {
      if (message.type === 'left') this.#socket.end();
    });
    send(this.#socket, { type: 'leave' });
    await this.closed;
  }

  /** Leaves at once; for the supervisor it is as if we had died. */
  abandon(): void {
    this.#socket.destroy();
  }
}

/**
 * Joins the supervisor behind the socket and waits for its server. `undefined` when there is none (any more):
 * it is dead, or was stopping and has ended now.
 * @throws the supervisor's error; `signal.reason`
 */
export function takeSeat(path: string, signal: AbortSignal, background: boolean): Promise<Seat | undefined> {
  return new Promise((resolve, reject) => {
    signal.throwIfAborted();
    const socket = connect(path);
    if (background) socket.unref();
    const closed = new Promise<void>((done) => socket.once('close', () => done()));
    socket.on('error', (error) => {
      // What else breaks the connection does not matter: its end does.
      if (errnoOf(error) === 'EACCES') reject(error);
    });
    const onAbort = () => {
      reject(signal.reason);
      socket.destroy();
    };
    signal.addEventListener('abort', onAbort, { once: true });
    void closed.then(() => {
      signal.removeEventListener('abort', onAbort);
      resolve(undefined);
    });
    onMessages(socket, readSupervisorMessage, (message) => {
      if (message.type === 'ready') {
        signal.removeEventListener('abort', onAbort);
        socket.unref();
        resolve(new Seat(socket, message, closed));
      } else if (message.type === 'failed') {
        reject(embeddedErrorFrom(message.code, message.message));
        socket.destroy();
      }
    });
    send(socket, { type: 'join' });
  });
}
