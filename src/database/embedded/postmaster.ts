import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { setTimeout as sleep } from 'node:timers/promises';
import { AbortReason, withTimeout } from '../../foundation/abort.js';
import type { Logger } from '../../foundation/logger.js';
import { openLog } from './bounded-log.js';
import { childEnvironment } from './environment.js';
import { errnoOf } from './errno.js';
import { embeddedErrors } from './errors.js';
import type { Layout } from './layout.js';
import type { NativeTools } from './native-tools.js';
import { isPostmasterOf } from './postmaster-file.js';
import { credentialsOf } from './server-account.js';

/** A server process: our own child, or one that a killed supervisor left running. */
export interface Postmaster {
  readonly pid: number;
  readonly port: number;
  /** Resolves when the process has ended, however it did. Never rejects. */
  readonly exited: Promise<void>;
  signal(name: NodeJS.Signals): Promise<void>;
}

/** Given at each start, so that no edit of postgresql.conf opens the server to the network. */
const settings = ['listen_addresses=127.0.0.1', 'unix_socket_directories=', 'max_connections=200'];

/** Starts the server. It is not ready yet. The port goes through the environment: everybody can read `ps`. */
export async function launchPostmaster(
  layout: Layout,
  tools: NativeTools,
  port: number,
): Promise<Postmaster> {
  const log = openLog(layout.serverLog);
  try {
    const child = spawn(tools.postgres, ['-D', layout.data, ...settings.flatMap((each) => ['-c', each])], {
      ...credentialsOf(layout.account),
      cwd: layout.base,
      env: childEnvironment({ PGPORT: String(port), LC_ALL: 'C' }),
      stdio: ['ignore', log.fd, log.fd],
    });
    const exited = new Promise<void>((resolve) => child.once('exit', () => resolve()));
    await once(child, 'spawn');
    if (child.pid === undefined) throw embeddedErrors.embedded_start_failed('the server has no process id');
    return { pid: child.pid, port, exited, signal: async (name) => void child.kill(name) };
  } finally {
    log.close();
  }
}

const pollMs = 100;

/** Takes over a running server. Its end is seen by looking: the system tells only the parent. */
export function adoptPostmaster(data: string, pid: number, port: number): Postmaster {
  const ended = async () => {
    while (await isPostmasterOf(data, pid)) await sleep(pollMs);
  };
  return {
    pid,
    port,
    exited: ended(),
    async signal(name) {
      // Looked at once more, because a signal to a process id that was reused would hit a stranger.
      if (!(await isPostmasterOf(data, pid))) return;
      try {
        process.kill(pid, name);
      } catch (error) {
        if (errnoOf(error) !== 'ESRCH') throw error;
      }
    },
  };
}

/** Each harder than the one before: fast shutdown, shutdown without a checkpoint, the end. */
const stopSteps = [
  { signal: 'SIGINT', waitMs: 20_000 },
  { signal: 'SIGQUIT', waitMs: 6_000 },
  { signal: 'SIGKILL', waitMs: 4_000 },
] as const;

/** Ends the server, within 30 seconds, whatever state it is in. */
export async function stopPostmaster(postmaster: Postmaster, logger: Logger): Promise<void> {
  for (const step of stopSteps) {
    await postmaster.signal(step.signal);
    try {
      return await withTimeout(postmaster.exited, step.waitMs, 'the shutdown');
    } catch (error) {
      if (!(error instanceof AbortReason)) throw error;
      logger.warn({ server_pid: postmaster.pid, signal: step.signal }, 'the server did not stop in time');
    }
  }
  throw embeddedErrors.embedded_stop_timeout(`The server, process ${postmaster.pid}, survives SIGKILL.`);
}
