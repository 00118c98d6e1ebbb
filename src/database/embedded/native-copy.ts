import { randomBytes } from 'node:crypto';
import { chmod, cp, lstat, mkdir, open, readdir, rename, rm } from 'node:fs/promises';
import { dirname, extname, join } from 'node:path';
import { errnoOf, unlessErrno } from './errno.js';
import { completeNativeFiles } from './native-links.js';
import type { NativePackage } from './native-package.js';

/**
 * A copy of the package's native files below `parent`, made once per version. Needed where the package itself
 * is out of reach of the account that runs the server (a clone in /root), or incomplete and read-only.
 * A copy appears under its name whole or not at all; of several processes at it, one wins and all use its copy.
 */
export async function copyNativeFiles(pkg: NativePackage, parent: string): Promise<string> {
  const target = join(parent, `postgresql-${pkg.version}`);
  if ((await unlessErrno('ENOENT', lstat(target))) !== undefined) return target;
  const temporary = `${target}.${randomBytes(6).toString('hex')}.tmp`;
  try {
    if ((await mkdir(parent, { recursive: true })) !== undefined) await chmod(parent, 0o755);
    await mkdir(temporary);
    await cp(join(pkg.root, 'native'), join(temporary, 'native'), {
      recursive: true,
      verbatimSymlinks: true,
      filter: (path) => extname(path) !== '.a',
    });
    await completeNativeFiles(temporary);
    await settle(temporary);
    await rename(temporary, target);
    await syncFolder(dirname(target));
  } catch (error) {
    await rm(temporary, { recursive: true, force: true });
    const code = errnoOf(error);
    if (code !== 'ENOTEMPTY' && code !== 'EEXIST') throw error;
  }
  return target;
}

/**
 * Opens every file to all readers, whatever the umask of the installer was, and forces it to disk: after a
 * power cut, the name must not lead to files that are cut short.
 */
async function settle(folder: string): Promise<void> {
  for (const entry of await readdir(folder, { withFileTypes: true })) {
    const path = join(folder, entry.name);
    if (entry.isDirectory()) await settle(path);
    else if (entry.isFile()) await settleFile(path);
  }
  await chmod(folder, 0o755);
}

async function settleFile(path: string): Promise<void> {
  const file = await open(path, 'r');
  try {
    const { mode } = await file.stat();
    await file.chmod((mode & 0o100) === 0 ? 0o644 : 0o755);
    await file.datasync();
  } finally {
    await file.close();
  }
}

/** Makes renames in the folder survive a power cut. */
export async function syncFolder(folder: string): Promise<void> {
  const handle = await open(folder, 'r');
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}
