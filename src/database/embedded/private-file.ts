import { constants } from 'node:fs';
import { chmod, chown, lstat, mkdir, open } from 'node:fs/promises';
import { unlessErrno } from './errno.js';
import type { ServerAccount } from './server-account.js';

/** Creates the folder or closes it to everybody but its owner. */
export async function ensurePrivateFolder(folder: string, owner?: ServerAccount): Promise<void> {
  await mkdir(folder, { recursive: true, mode: 0o700 });
  if (owner !== undefined) await chown(folder, owner.uid, owner.gid);
  if (((await lstat(folder)).mode & 0o777) !== 0o700) await chmod(folder, 0o700);
}

/**
 * Writes a new 0600 file to disk. Fails when the name is taken, by a symbolic link too: as root we write
 * into a folder that another account owns, and must not be led elsewhere.
 */
export async function writePrivateFile(path: string, text: string, owner?: ServerAccount): Promise<void> {
  const file = await open(path, 'wx', 0o600);
  try {
    await file.writeFile(text);
    if (owner !== undefined) await file.chown(owner.uid, owner.gid);
    await file.sync();
  } finally {
    await file.close();
  }
}

/** The text of a file that is not a symbolic link, closed to others if it was open to them; `undefined` without it. */
export async function readPrivateFile(path: string): Promise<string | undefined> {
  const file = await unlessErrno('ENOENT', open(path, constants.O_RDONLY | constants.O_NOFOLLOW));
  if (file === undefined) return undefined;
  try {
    if (((await file.stat()).mode & 0o077) !== 0) await file.chmod(0o600);
    return await file.readFile('utf8');
  } finally {
    await file.close();
  }
}
