import { join } from 'node:path';
import { isSignalboxError } from '../../foundation/errors.js';
import { fieldInvalid } from '../../http/errors.js';
import { type Written, writeNewFile } from '../../storage/local/write-file.js';
import { imageErrors } from './errors.js';
import { assertFilename } from './filename.js';

/** One part of an upload form. A file's `bytes` must be read, or `dismiss`ed, before the next part comes. */
export type UploadPart =
  | { readonly kind: 'field'; readonly name: string }
  | {
      readonly kind: 'file';
      readonly name: string;
      readonly filename: string;
      readonly bytes: AsyncIterable<Uint8Array>;
      dismiss(): void;
    };

export interface Received extends Written {
  readonly path: string;
  readonly filename: string;
}

export interface ReceiveOptions {
  readonly folder: string;
  readonly maxBytes: number;
  readonly signal: AbortSignal;
}

/**
 * Reads a form with exactly one file, named `file`, and nothing else. The file is in `folder` when the form
 * has come to its end; that it is an image is not yet known.
 * @throws fields_invalid, asset_name_invalid, asset_too_large, and what the parts throw
 */
export async function receiveUpload(
  parts: AsyncIterable<UploadPart>,
  options: ReceiveOptions,
): Promise<Received> {
  let received: Received | undefined;
  for await (const part of parts) {
    const problem = problemOf(part, received !== undefined);
    if (problem === undefined && part.kind === 'file') {
      received = await receiveFile(part, options);
      continue;
    }
    if (part.kind === 'file') part.dismiss();
    throw fieldInvalid(part.name === '' ? 'body' : part.name, problem ?? 'is not known here');
  }
  if (received === undefined) throw fieldInvalid('file', 'is required');
  return received;
}

function problemOf(part: UploadPart, second: boolean): string | undefined {
  if (part.name !== 'file') return 'is not a known field here; the image goes into the field file';
  if (part.kind === 'field') return 'must be a file, with a file name';
  return second ? 'must be given only once' : undefined;
}

async function receiveFile(
  part: UploadPart & { kind: 'file' },
  { folder, maxBytes, signal }: ReceiveOptions,
): Promise<Received> {
  try {
    const filename = assertFilename(part.filename);
    const path = join(folder, 'upload');
    const written = await writeNewFile(path, part.bytes, { maxBytes, signal, durable: false });
    return { path, filename, ...written };
  } catch (error) {
    part.dismiss();
    if (!isSignalboxError(error, 'object_too_large')) throw error;
    throw imageErrors.asset_too_large(`The file is larger than ${maxBytes} bytes.`, {
      cause: error,
      fields: [{ field: 'file', message: `must have at most ${maxBytes} bytes` }],
    });
  }
}
