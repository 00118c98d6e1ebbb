import { createHash } from 'node:crypto';
import { constants } from 'node:fs';
import { type FileHandle, open, unlink } from 'node:fs/promises';
import { storageErrors } from '../errors.js';
import { onDisk } from './fault.js';

export interface WriteOptions {
  readonly maxBytes?: number | undefined;
  readonly signal?: AbortSignal | undefined;
  /** False for what need not outlive the process. @default true */
  readonly durable?: boolean;
}

export interface Written {
  readonly bytes: number;
  readonly sha256: string;
}

/**
 * Writes a new file of mode 0600, durably unless told otherwise: after a power cut it is still there. When
 * anything goes wrong the file is removed. An error of `source` is passed on as it is.
 * @throws object_too_large before the byte too many is written; storage_unavailable; the signal's reason
 */
export async function writeNewFile(
  path: string,
  source: AsyncIterable<Uint8Array>,
  options: WriteOptions = {},
): Promise<Written> {
  options.signal?.throwIfAborted();
  const flags = constants.O_WRONLY | constants.O_CREAT | constants.O_EXCL | constants.O_NOFOLLOW;
  const file = await onDisk(() => open(path, flags, 0o600));
  try {
    const written = await copy(file, source, options);
    if (options.durable ?? true) await onDisk(() => file.sync());
    await onDisk(() => file.close());
    return written;
  } catch (error) {
    // The first error is the one that counts; a file that is left behind is swept later.
    await file.close().catch(() => undefined);
    await unlink(path).catch(() => undefined);
    throw error;
  }
}

async function copy(
  file: FileHandle,
  source: AsyncIterable<Uint8Array>,
  { maxBytes = Number.POSITIVE_INFINITY, signal }: WriteOptions,
): Promise<Written> {
  const hash = createHash('sha256');
  let bytes = 0;
  for await (const chunk of abortable(source, signal)) {
    bytes += chunk.byteLength;
    if (bytes > maxBytes) throw storageErrors.object_too_large(`More than ${maxBytes} bytes were sent.`);
    hash.update(chunk);
    await onDisk(() => writeAll(file, chunk));
  }
  signal?.throwIfAborted();
  return { bytes, sha256: hash.digest('hex') };
}

/** One call of `write` may take less than it was given. */
async function writeAll(file: FileHandle, chunk: Uint8Array): Promise<void> {
  for (let offset = 0; offset < chunk.byteLength; ) {
    const { bytesWritten } = await file.write(chunk, offset, chunk.byteLength - offset);
    offset += bytesWritten;
  }
}

/** Ends with the signal even while the source gives nothing. */
async function* abortable(
  source: AsyncIterable<Uint8Array>,
  signal: AbortSignal | undefined,
): AsyncGenerator<Uint8Array> {
  if (signal === undefined) {
    yield* source;
    return;
  }
  const iterator = source[Symbol.asyncIterator]();
  let onAbort: () => void = () => undefined;
  const aborted = new Promise<never>((_resolve, reject) => {
    onAbort = () => reject(signal.reason);
    signal.addEventListener('abort', onAbort, { once: true });
  });
  aborted.catch(() => undefined);
  try {
    for (;;) {
      signal.throwIfAborted();
      const next = await Promise.race([iterator.next(), aborted]);
      if (next.done === true) return;
      yield next.value;
    }
  } finally {
    signal.removeEventListener('abort', onAbort);
    // Not awaited: a source that hangs would keep us here as well.
    void iterator.return?.().catch(() => undefined);
  }
}
