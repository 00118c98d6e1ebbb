import type { Sharp, SharpOptions } from 'sharp';
import { isSignalboxError, messageOf } from '../../../../foundation/errors.js';
import { imageErrors } from '../../errors.js';

type SharpModule = typeof import('sharp').default;

let loading: Promise<SharpModule> | undefined;

/**
 * sharp is an optional dependency with native parts: it is loaded when the first image needs it, so that a
 * process that never sees one runs without it.
 * @throws image_model_unavailable
 */
export function loadSharp(): Promise<SharpModule> {
  loading ??= load();
  return loading;
}

async function load(): Promise<SharpModule> {
  try {
    const { default: sharp } = await import('sharp');
    // Every file is opened once and soon deleted: a cache would hold memory and open files for nothing.
    sharp.cache(false);
    sharp.concurrency(2);
    return sharp;
  } catch (error) {
    loading = undefined;
    throw imageErrors.image_model_unavailable(
      `sharp cannot be loaded (${messageOf(error)}). Install it with its optional native parts: npm install sharp`,
      { cause: error },
    );
  }
}

/** How a file from outside is opened: whatever its header says, no more than `maxPixels` are decoded. */
export function untrusted(maxPixels: number): SharpOptions {
  return { failOn: 'warning', limitInputPixels: maxPixels, sequentialRead: true, unlimited: false };
}

/**
 * Runs one step of sharp with an end to it. What the library itself throws about the file becomes `otherwise`;
 * its messages are for people.
 * @throws image_timeout, the signal's reason
 */
export async function runStep<T>(
  pipeline: Sharp,
  run: (pipeline: Sharp) => Promise<T>,
  options: {
    readonly seconds: number;
    readonly signal?: AbortSignal;
    readonly otherwise: (message: string, options: { cause: unknown }) => Error;
    readonly what: string;
  },
): Promise<T> {
  const { seconds, signal, otherwise, what } = options;
  signal?.throwIfAborted();
  const startedAt = performance.now();
  let result: T;
  try {
    result = await run(pipeline.timeout({ seconds }));
  } catch (error) {
    signal?.throwIfAborted();
    if (isSignalboxError(error)) throw error;
    if (performance.now() - startedAt >= seconds * 1_000) {
      throw imageErrors.image_timeout(`${what} took longer than ${seconds} s.`, { cause: error });
    }
    throw otherwise(`${what} failed: ${messageOf(error).split('\n')[0]}`, { cause: error });
  }
  signal?.throwIfAborted();
  return result;
}
