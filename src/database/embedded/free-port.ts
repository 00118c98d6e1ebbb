import { once } from 'node:events';
import { createServer } from 'node:net';

/** A TCP port that is free on 127.0.0.1 now. Somebody may take it before its use: the caller tries again then. */
export async function freePort(): Promise<number> {
  const server = createServer();
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  server.close();
  await once(server, 'close');
  if (address === null || typeof address === 'string') throw new Error('the probe has no TCP port');
  return address.port;
}
