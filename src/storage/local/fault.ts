import { isSignalboxError, messageOf } from '../../foundation/errors.js';
import { storageErrors } from '../errors.js';

export function errnoOf(error: unknown): string | undefined {
  if (!(error instanceof Error) || !('code' in error)) return undefined;
  return typeof error.code === 'string' ? error.code : undefined;
}

/** Whether nothing is at a path, or something on the way to it is a file. */
export function isAbsent(error: unknown): boolean {
  const code = errnoOf(error);
  return code === 'ENOENT' || code === 'ENOTDIR';
}

/** Runs work on the file system; what that throws becomes storage_unavailable (disk full, no permission …). */
export async function onDisk<T>(work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    if (isSignalboxError(error)) throw error;
    throw storageErrors.storage_unavailable(`The folder cannot be used: ${messageOf(error)}`, {
      cause: error,
    });
  }
}
