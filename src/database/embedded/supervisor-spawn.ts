import { type ChildProcess, spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { openLog } from './bounded-log.js';
import { childEnvironment } from './environment.js';
import { embeddedErrors } from './errors.js';
import { controlFolderOf } from './layout.js';

const scriptName = 'supervisor-main.js';

/**
 * The supervisor is a process of its own, so it needs a file that Node can run: its compiled one beside this
 * file. Run from `src` (Vitest), where there is only TypeScript, it is the one of the last build.
 */
export function findSupervisorScript(here: string = import.meta.url): string {
  const beside = new URL(scriptName, here);
  const built = new URL(`../../../dist/database/embedded/${scriptName}`, here);
  for (const url of [beside, built]) if (existsSync(url)) return fileURLToPath(url);
  throw embeddedErrors.embedded_start_failed(
    `The supervisor's script is at neither ${fileURLToPath(beside)} nor ${fileURLToPath(built)}. Run npm run build.`,
  );
}

export function supervisorLogOf(home: string): string {
  return join(controlFolderOf(home), 'supervisor.log');
}

/**
 * Starts a supervisor that outlives us: in a session of its own, where no signal of our terminal reaches it,
 * holding nothing of ours. One that comes second sees that and ends.
 */
export function spawnSupervisor(home: string): ChildProcess {
  const log = openLog(supervisorLogOf(home));
  try {
    const child = spawn(process.execPath, [findSupervisorScript(), home], {
      cwd: '/',
      detached: true,
      env: childEnvironment(),
      stdio: ['ignore', 'ignore', log.fd],
    });
    child.unref();
    return child;
  } finally {
    log.close();
  }
}
