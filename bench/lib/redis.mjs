import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createConnection, createServer } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { temporaryFolder } from './postgres.mjs';
import { own } from './process.mjs';

/** A Redis of its own: append-only file, written every second, no snapshots, empty. */
export async function startRedis() {
  const folder = await temporaryFolder('redis');
  const port = await freePort();
  const settings = { bind: '127.0.0.1', port, dir: folder.path, appendonly: 'yes', appendfsync: 'everysec' };
  const args = Object.entries(settings).flatMap(([name, value]) => [`--${name}`, `${value}`]);
  // The empty argument turns snapshots off.
  const child = own(spawn('redis-server', [...args, '--save', ''], { stdio: ['ignore', 'pipe', 'pipe'] }));
  let said = '';
  for (const stream of [child.stdout, child.stderr]) {
    stream.on('data', (chunk) => {
      said = (said + chunk).slice(-2_000);
    });
  }
  const ended = once(child, 'exit');
  const stop = async () => {
    const timer = setTimeout(() => child.kill('SIGKILL'), 10_000);
    child.kill('SIGTERM');
    await ended;
    clearTimeout(timer);
    await folder.remove();
  };
  for (const deadline = performance.now() + 10_000; !(await answers(port)); ) {
    if (child.exitCode === null && performance.now() < deadline) await sleep(20);
    else {
      await stop();
      throw new Error(`redis-server did not start: ${said}`);
    }
  }
  return { port, stop };
}

async function freePort() {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address();
  server.close();
  await once(server, 'close');
  return port;
}

function answers(port) {
  return new Promise((resolve) => {
    const socket = createConnection({ port, host: '127.0.0.1' });
    const end = (answer) => {
      socket.destroy();
      resolve(answer);
    };
    socket.setTimeout(1_000, () => end(false));
    socket.once('error', () => end(false));
    socket.once('data', (data) => end(data.toString().startsWith('+PONG')));
    socket.once('connect', () => socket.write('PING\r\n'));
  });
}
