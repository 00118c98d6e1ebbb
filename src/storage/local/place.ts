import { mkdir, open, realpath } from 'node:fs/promises';
import { dirname, join, relative, sep } from 'node:path';
import { storageErrors } from '../errors.js';
import { isAbsent, onDisk } from './fault.js';

/** Where the file of a key is. The key must have been checked; this proves that no link leads out of the root. */
export async function placeOf(root: string, key: string): Promise<string> {
  const path = join(root, ...key.split('/'));
  const folder = await onDisk(() => realpath(dirname(path)).catch(undefinedIfAbsent));
  const realRoot = await onDisk(() => realpath(root).catch(undefinedIfAbsent));
  if (folder === undefined || realRoot === undefined) return path;
  assertInside(realRoot, folder, key);
  return path;
}

/** Makes the folders above a file, each lastingly. */
export async function makeFolders(root: string, path: string): Promise<void> {
  await onDisk(async () => {
    const first = await mkdir(dirname(path), { recursive: true, mode: 0o700 });
    if (first === undefined) return;
    // A new folder is kept by the one above it: up to the first that was there before.
    for (
      let folder = dirname(path);
      folder.length >= first.length && folder !== root;
      folder = dirname(folder)
    ) {
      await syncFolder(dirname(folder));
    }
  });
}

/** Makes a rename or an unlink in this folder survive a power cut. */
export async function syncFolder(folder: string): Promise<void> {
  const handle = await open(folder, 'r');
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}

function assertInside(root: string, folder: string, key: string): void {
  const way = relative(root, folder);
  if (way === '..' || way.startsWith(`..${sep}`)) {
    throw storageErrors.object_key_invalid(
      `The key ${JSON.stringify(key)} leads out of the store by a link.`,
    );
  }
}

function undefinedIfAbsent(error: unknown): undefined {
  if (!isAbsent(error)) throw error;
  return undefined;
}
