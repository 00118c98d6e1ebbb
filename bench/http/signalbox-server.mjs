import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { own } from '../lib/process.mjs';

const main = fileURLToPath(new URL('../../dist/cli/main.js', import.meta.url));
const tasks = fileURLToPath(new URL('./tasks', import.meta.url));
const startMs = 60_000;

/** A real server, as a user starts it, in the role that only answers HTTP. */
export async function startSignalboxServer({ databaseUrl, home }) {
  const { PATH, HOME, LANG } = process.env;
  const child = own(
    spawn(process.execPath, [main, 'start', '--server', '--port', '0', '--json'], {
      env: { PATH, HOME, LANG, DATABASE_URL: databaseUrl, SIGNALBOX_HOME: home, SIGNALBOX_TASKS: tasks },
      stdio: ['ignore', 'pipe', 'pipe'],
    }),
  );
  const ended = once(child, 'exit');
  let said = '';
  child.stderr.on('data', (chunk) => {
    said = (said + chunk).slice(-2_000);
  });
  const stop = async () => {
    const timer = setTimeout(() => child.kill('SIGKILL'), 15_000);
    child.kill('SIGTERM');
    await ended;
    clearTimeout(timer);
  };
  const url = await new Promise((resolve) => {
    const timer = setTimeout(() => resolve(undefined), startMs);
    ended.then(() => resolve(undefined));
    createInterface({ input: child.stdout }).on('line', (line) => {
      // Read on to the end: a full pipe would stop the server.
      if (!line.includes('signalbox runs as')) return;
      clearTimeout(timer);
      resolve(JSON.parse(line).url);
    });
  });
  if (url !== undefined) return { url, stop };
  await stop();
  throw new Error(`the server did not start: ${said}`);
}
