import { createServer } from 'node:net';

/** `port` when nobody listens there, otherwise one that the system chooses. */
export async function freePort(host: string, port: number): Promise<number> {
  return (await tryPort(host, port)) ?? (await tryPort(host, 0)) ?? 0;
}

async function tryPort(host: string, port: number): Promise<number | undefined> {
  const server = createServer();
  return new Promise((resolve) => {
    server.once('error', () => resolve(undefined));
    server.listen({ host, port }, () => {
      const address = server.address();
      server.close(() => resolve(typeof address === 'object' && address !== null ? address.port : undefined));
    });
  });
}
