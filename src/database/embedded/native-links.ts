import { chmod, lstat, readFile, stat, symlink } from 'node:fs/promises';
import { dirname, join, relative } from 'node:path';
import { errnoOf, unlessErrno } from './errno.js';

/** Paths relative to the package's folder: `target` is to be a symbolic link to `source`. */
interface NativeLink {
  readonly source: string;
  readonly target: string;
}

/** What npm tarballs cannot carry or installers may drop. Without it the binaries miss their libraries. */
const programs = ['native/bin/postgres', 'native/bin/initdb'];

/**
 * Makes the package's symbolic links, which its install script makes where npm runs install scripts (npm 11
 * does not unless told so), and its programs executable. Safe against other processes doing the same.
 * @returns false when something is missing and the folder is not ours to write.
 */
export async function completeNativeFiles(root: string): Promise<boolean> {
  try {
    for (const link of await readLinks(root)) await ensureLink(root, link);
    for (const program of programs) await ensureExecutable(join(root, program));
    return true;
  } catch (error) {
    const code = errnoOf(error);
    if (code === 'EACCES' || code === 'EPERM' || code === 'EROFS') return false;
    throw error;
  }
}

async function readLinks(root: string): Promise<readonly NativeLink[]> {
  const text = await unlessErrno('ENOENT', readFile(join(root, 'native', 'pg-symlinks.json'), 'utf8'));
  if (text === undefined) return [];
  const parsed: unknown = JSON.parse(text);
  if (!Array.isArray(parsed) || !parsed.every(isLink))
    throw new Error(`${root}/native/pg-symlinks.json is not a list of links`);
  return parsed;
}

function isLink(value: unknown): value is NativeLink {
  if (typeof value !== 'object' || value === null) return false;
  return (
    'source' in value &&
    typeof value.source === 'string' &&
    'target' in value &&
    typeof value.target === 'string'
  );
}

async function ensureLink(root: string, link: NativeLink): Promise<void> {
  const path = join(root, link.target);
  if ((await unlessErrno('ENOENT', lstat(path))) !== undefined) return;
  // EEXIST: another process was quicker, and made the same link.
  await unlessErrno('EEXIST', symlink(relative(dirname(link.target), link.source), path));
}

async function ensureExecutable(path: string): Promise<void> {
  const { mode } = await stat(path);
  if ((mode & 0o111) === 0) await chmod(path, mode | 0o755);
}
