import { once } from 'node:events';
import { connect, createServer, type Socket } from 'node:net';

/** A TCP line to the database, or another server, that a test can take away and give back. */
export interface Line {
  /** The server's URL by way of this line. */
  readonly url: string;
  /** Sockets of it that are open now, both ends. */
  readonly open: number;
  /** Ends what is connected; whoever comes is hung up on. */
  refuse(): void;
  /** From now on nothing passes and nobody is told; whoever comes is let in and never answered. */
  silence(): void;
  /** New connections work again. */
  restore(): void;
  close(): Promise<void>;
}

export async function openLine(databaseUrl: string): Promise<Line> {
  const target = new URL(databaseUrl);
  const sockets = new Set<Socket>();
  let mode: 'pass' | 'refuse' | 'silence' = 'pass';
  const keep = (socket: Socket) => {
    sockets.add(socket);
    socket.on('error', () => socket.destroy());
    socket.on('close', () => sockets.delete(socket));
  };
  const server = createServer((near) => {
    keep(near);
    if (mode === 'refuse') near.destroy();
    // Read, or the end of the other side would never be seen.
    if (mode === 'silence') near.resume();
    if (mode !== 'pass') return;
    const far = connect(Number(target.port || 5432), target.hostname);
    keep(far);
    near.on('data', (bytes) => mode === 'silence' || far.write(bytes));
    far.on('data', (bytes) => mode === 'silence' || near.write(bytes));
    near.on('close', () => far.destroy());
    far.on('close', () => near.destroy());
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  if (address === null || typeof address === 'string') throw new Error('the line has no port');
  const url = new URL(databaseUrl);
  url.host = `127.0.0.1:${address.port}`;
  const cut = () => {
    for (const socket of sockets) socket.destroy();
  };
  return {
    url: url.toString(),
    get open() {
      return sockets.size;
    },
    refuse() {
      mode = 'refuse';
      cut();
    },
    silence() {
      mode = 'silence';
    },
    restore() {
      mode = 'pass';
    },
    async close() {
      cut();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}
