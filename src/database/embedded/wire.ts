import type { Socket } from 'node:net';

/** What a user says to the supervisor. `leave` is polite: a closed connection says the same. */
export type UserMessage = { readonly type: 'join' } | { readonly type: 'leave' };

/** What the supervisor answers, one line of JSON each. `ready` carries the password: the socket's folder is private. */
export type SupervisorMessage =
  | { readonly type: 'ready'; readonly url: string; readonly adopted: boolean; readonly pid: number }
  | { readonly type: 'failed'; readonly code: string; readonly message: string }
  /** The server is going down. The connection closes when it is down; come again then. */
  | { readonly type: 'stopping' }
  /** The answer to `leave` while others stay. */
  | { readonly type: 'left' };

/** No line is longer; a peer that sends more is not one of ours. */
const maxLineBytes = 64 * 1024;

export function send(socket: Socket, message: UserMessage | SupervisorMessage): void {
  if (socket.writable) socket.write(`${JSON.stringify(message)}\n`);
}

/** Calls back with each message that has a known type, and closes the connection on anything else. */
export function onMessages<M extends { type: string }>(
  socket: Socket,
  read: (value: Readonly<Record<string, unknown>>) => M | undefined,
  handle: (message: M) => void,
): void {
  let pending = '';
  socket.setEncoding('utf8');
  socket.on('data', (chunk: string) => {
    const lines = (pending + chunk).split('\n');
    pending = lines.pop() ?? '';
    for (const line of lines) {
      const message = readLine(line, read);
      if (message === undefined) return void socket.destroy();
      handle(message);
    }
    if (pending.length > maxLineBytes) socket.destroy();
  });
}

function readLine<M>(
  line: string,
  read: (value: Readonly<Record<string, unknown>>) => M | undefined,
): M | undefined {
  try {
    const value: unknown = JSON.parse(line);
    return typeof value === 'object' && value !== null ? read({ ...value }) : undefined;
  } catch {
    return undefined;
  }
}

export function readUserMessage(value: Readonly<Record<string, unknown>>): UserMessage | undefined {
  return value.type === 'join' || value.type === 'leave' ? { type: value.type } : undefined;
}

export function readSupervisorMessage(
  value: Readonly<Record<string, unknown>>,
): SupervisorMessage | undefined {
  const { type, url, adopted, pid, code, message } = value;
  if (type === 'stopping' || type === 'left') return { type };
  if (type === 'failed' && typeof code === 'string' && typeof message === 'string')
    return { type, code, message };
  if (
    type !== 'ready' ||
    typeof url !== 'string' ||
    typeof adopted !== 'boolean' ||
    typeof pid !== 'number'
  ) {
    return undefined;
  }
  return { type, url, adopted, pid };
}
