import { closeSync, constants, openSync } from 'node:fs';
import { copyFile, open, rm, stat, truncate } from 'node:fs/promises';
import { unlessErrno } from './errno.js';

export const logLimitBytes = 8 * 1024 * 1024;

/** Opens a private log for appending, as a child's output; `close` gives up our copy of the descriptor. */
export function openLog(path: string): { readonly fd: number; close(): void } {
  const { O_APPEND, O_CREAT, O_NOFOLLOW, O_WRONLY } = constants;
  const fd = openSync(path, O_APPEND | O_CREAT | O_NOFOLLOW | O_WRONLY, 0o600);
  return { fd, close: () => closeSync(fd) };
}

/**
 * Moves the contents to `<path>.1` when the log has outgrown its limit. Its writer keeps its descriptor, which
 * is why the file is emptied and not renamed; lines written between copy and emptying are lost.
 */
export async function boundLog(path: string, limit = logLimitBytes): Promise<void> {
  if ((await logSize(path)) <= limit) return;
  await rm(`${path}.1`, { force: true });
  await copyFile(path, `${path}.1`, constants.COPYFILE_EXCL);
  await truncate(path);
}

export async function logSize(path: string): Promise<number> {
  return (await unlessErrno('ENOENT', stat(path)))?.size ?? 0;
}

/** The end of what was written since `from`, for an error message. Empty without a log. */
export async function logTail(path: string, from = 0, maxBytes = 4_000): Promise<string> {
  const file = await unlessErrno('ENOENT', open(path, constants.O_RDONLY | constants.O_NOFOLLOW));
  if (file === undefined) return '';
  try {
    const { size } = await file.stat();
    const start = Math.max(size < from ? 0 : from, size - maxBytes);
    const { buffer, bytesRead } = await file.read(
      Buffer.alloc(Math.max(size - start, 1)),
      0,
      size - start,
      start,
    );
    return buffer.subarray(0, bytesRead).toString('utf8').trim();
  } finally {
    await file.close();
  }
}
