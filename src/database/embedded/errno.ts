/** Node's code of a system error (`ENOENT`), or `undefined`. */
export function errnoOf(error: unknown): string | undefined {
  if (typeof error !== 'object' || error === null || !('code' in error)) return undefined;
  return typeof error.code === 'string' ? error.code : undefined;
}

/** The promise's value, or `undefined` when it fails with this one code, which the caller expects. */
export async function unlessErrno<T>(code: string, promise: Promise<T>): Promise<T | undefined> {
  try {
    return await promise;
  } catch (error) {
    if (errnoOf(error) === code) return undefined;
    throw error;
  }
}
