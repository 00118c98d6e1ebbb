import { execFile } from 'node:child_process';
import { readFile, rm } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { promisify } from 'node:util';
import { errnoOf, unlessErrno } from './errno.js';

/** What a server, living or dead, wrote into its data folder. */
export interface PostmasterRecord {
  readonly pid: number;
  /** `undefined` while the server has not come that far. */
  readonly port: number | undefined;
}

export async function readPostmasterFile(data: string): Promise<PostmasterRecord | undefined> {
  const text = await unlessErrno('ENOENT', readFile(join(data, 'postmaster.pid'), 'utf8'));
  const lines = text?.split('\n') ?? [];
  const [pid, port] = [Number(lines[0]), Number(lines[3])];
  if (!Number.isInteger(pid) || pid <= 1) return undefined;
  return { pid, port: Number.isInteger(port) && port > 0 ? port : undefined };
}

/** Only for a file whose process is known not to be a server of this folder. */
export async function removePostmasterFile(data: string): Promise<void> {
  await rm(join(data, 'postmaster.pid'), { force: true });
}

/** Whether any process, a zombie included, has this id. */
export function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return errnoOf(error) === 'EPERM';
  }
}

/**
 * Whether the process is the server of this data folder: a process id alone may have been given to anybody
 * since, in containers soon. Reads the command line and not /proc/<pid>/cwd, which root in a container may not
 * read of another account's process. A zombie has no command line: it is not a server any more.
 */
export async function isPostmasterOf(data: string, pid: number): Promise<boolean> {
  const args = process.platform === 'linux' ? await linuxCommand(pid) : await psCommand(pid);
  return basename(args[0] ?? '') === 'postgres' && args.includes(data);
}

async function linuxCommand(pid: number): Promise<string[]> {
  try {
    return (await readFile(`/proc/${pid}/cmdline`, 'utf8')).split('\0');
  } catch {
    // ENOENT or ESRCH: it ended, perhaps while we read. EACCES: it belongs to an account that is not ours.
    return [];
  }
}

async function psCommand(pid: number): Promise<string[]> {
  try {
    const { stdout } = await promisify(execFile)('ps', ['-ww', '-o', 'args=', '-p', String(pid)]);
    const [program, folder] = stdout.trim().split(/ -D | -c /);
    return [program ?? '', folder ?? ''];
  } catch {
    // ps fails when there is no such process.
    return [];
  }
}
