import { readdir, readFile, readlink } from 'node:fs/promises';
import { setTimeout as sleep } from 'node:timers/promises';
import { errnoOf } from './errno.js';

const pollMs = 50;
const patienceMs = 3_000;

/**
 * Ends what a killed server left behind: its children go by themselves when they next look up, but one amid a
 * long statement does not look up before its end, and until then no new server can start on the data.
 * For data folders without a living server only: nothing they do can be committed any more.
 * Needs /proc; without it, or where a container forbids to look into other accounts' processes, nothing is found.
 */
export async function endOrphans(data: string): Promise<number> {
  const found = await orphansOf(data);
  for (const pid of found) quit(pid, 'SIGQUIT');
  for (let waited = 0; waited < patienceMs && (await orphansOf(data)).length > 0; waited += pollMs)
    await sleep(pollMs);
  for (const pid of await orphansOf(data)) quit(pid, 'SIGKILL');
  return found.length;
}

/** PostgreSQL's processes have the data folder as their working directory. */
async function orphansOf(data: string): Promise<number[]> {
  const pids: number[] = [];
  for (const name of process.platform === 'linux' ? await readdir('/proc') : []) {
    if (/^\d+$/.test(name) && (await isOrphan(Number(name), data))) pids.push(Number(name));
  }
  return pids;
}

async function isOrphan(pid: number, data: string): Promise<boolean> {
  try {
    if ((await readlink(`/proc/${pid}/cwd`)) !== data) return false;
    return (await readFile(`/proc/${pid}/comm`, 'utf8')).trim() === 'postgres';
  } catch {
    // It ended while we looked, or is not ours to look at.
    return false;
  }
}

function quit(pid: number, signal: NodeJS.Signals): void {
  try {
    process.kill(pid, signal);
  } catch (error) {
    if (errnoOf(error) !== 'ESRCH') throw error;
  }
}
