import { spawn } from 'node:child_process';
import { messageOf } from '../../foundation/errors.js';
import { childEnvironment } from './environment.js';
import { credentialsOf, type ServerAccount } from './server-account.js';

export interface ChildRun {
  readonly account: ServerAccount | undefined;
  readonly cwd: string;
  /** Ends the program: it is asked to, and killed if it does not within ten seconds. */
  readonly signal: AbortSignal;
}

const killAfterMs = 10_000;
const keptBytes = 8_000;

/**
 * Runs a program to its end. Resolves, aborted or not, only when it and the children that share its output have
 * ended, so that nothing of it still writes. @returns whether it succeeded, and the end of its output.
 */
export function runToEnd(
  program: string,
  args: readonly string[],
  { account, cwd, signal }: ChildRun,
): Promise<{ succeeded: boolean; output: string }> {
  return new Promise((resolve) => {
    const env = childEnvironment({ LC_ALL: 'C' });
    const child = spawn(program, args, {
      ...credentialsOf(account),
      cwd,
      env,
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    let output = '';
    const keep = (chunk: Buffer) => {
      output = (output + chunk.toString('utf8')).slice(-keptBytes);
    };
    child.stdout.on('data', keep);
    child.stderr.on('data', keep);
    child.once('error', (error) => {
      output += messageOf(error);
    });
    let killer: NodeJS.Timeout | undefined;
    const end = () => {
      child.kill('SIGTERM');
      killer = setTimeout(() => child.kill('SIGKILL'), killAfterMs);
    };
    if (signal.aborted) end();
    signal.addEventListener('abort', end, { once: true });
    child.once('close', (code) => {
      clearTimeout(killer);
      signal.removeEventListener('abort', end);
      resolve({ succeeded: code === 0, output: output.trim() });
    });
  });
}
