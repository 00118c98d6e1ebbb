import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { createConnection, createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';

/** Whether this machine has Debian's `redis-server`. */
export const redisInstalled = spawnSync('redis-server', ['--version']).status === 0;

export interface TestRedis {
  readonly port: number;
  /** Paused, it accepts connections and answers nothing. */
  pause(): void;
  resume(): void;
  stop(): Promise<void>;
}

/** A Redis of its own on loopback, empty, that writes nothing. */
export async function startRedis({
  password,
  port,
}: {
  password?: string;
  port?: number;
} = {}): Promise<TestRedis> {
  const folder = await mkdtemp(join(tmpdir(), 'signalbox-redis-'));
  const at = port ?? (await freePort());
  const options = [
    '--port',
    String(at),
    '--bind',
    '127.0.0.1',
    '--dir',
    folder,
    '--save',
    '',
    '--appendonly',
    'no',
  ];
  const secret = password === undefined ? [] : ['--requirepass', password];
  const child = spawn('redis-server', [...options, ...secret], { stdio: 'ignore' });
  const exited = once(child, 'exit');
  const deadline = performance.now() + 20_000;
  while (!(await answers(at))) {
    if (child.exitCode !== null || performance.now() > deadline)
      throw new Error('redis-server did not start');
    await sleep(20);
  }
  return {
    port: at,
    pause: () => void child.kill('SIGSTOP'),
    resume: () => void child.kill('SIGCONT'),
    async stop() {
      child.kill('SIGKILL');
      await exited;
      await rm(folder, { recursive: true, force: true });
    },
  };
}

/** A port at which nobody listens. */
export async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  server.close();
  await once(server, 'close');
  if (address === null || typeof address === 'string') throw new Error('no port');
  return address.port;
}

function answers(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = createConnection({ port, host: '127.0.0.1' });
    const end = (answer: boolean) => {
      socket.destroy();
      resolve(answer);
    };
    socket.setTimeout(1_000, () => end(false));
    socket.once('error', () => end(false));
    // A server with a password answers with an error, which is an answer.
    socket.once('data', () => end(true));
    socket.once('connect', () => socket.write('PING\r\n'));
  });
}
