import { randomInt } from 'node:crypto';
import { once } from 'node:events';
import { createServer } from 'node:net';

/**
 * Below what any system gives to outgoing connections (32768 on Linux, 49152 elsewhere). While the server is down,
 * somebody's connection could take such a port: most likely one to the server itself, which then talks to itself.
 */
const range = { from: 20_000, to: 32_768 };
const tries = 50;

/** A TCP port that is free on 127.0.0.1 now. Somebody may take it before its use: the caller tries again then. */
export async function freePort(): Promise<number> {
  for (let n = 0; n < tries; n += 1) {
    const port = await probe(randomInt(range.from, range.to));
    if (port !== undefined) return port;
  }
  const port = await probe(0);
  if (port === undefined) throw new Error('there is no free TCP port');
  return port;
}

/** The port, or any that is free when it is 0; `undefined` when somebody has it. */
async function probe(port: number): Promise<number | undefined> {
  const server = createServer();
  try {
    server.listen(port, '127.0.0.1');
    await once(server, 'listening');
  } catch {
    return undefined;
  }
  const address = server.address();
  server.close();
  await once(server, 'close');
  return address === null || typeof address === 'string' ? undefined : address.port;
}
