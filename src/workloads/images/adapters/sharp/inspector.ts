import { stat } from 'node:fs/promises';
import { fileTypeFromFile } from 'file-type';
import type { Metadata } from 'sharp';
import { imageErrors } from '../../errors.js';
import { type ImageFormat, imageFormats } from '../../formats.js';
import type { ImageInspector, Inspected, OutputFacts } from '../inspector.js';
import { loadSharp, runStep, untrusted } from './library.js';
import { Turns } from './turns.js';

const accepted = `${imageFormats
  .slice(0, -1)
  .map(({ label }) => label)
  .join(', ')} and ${imageFormats.at(-1)?.label}`;

/** A decode that takes longer than this is an attack or a machine out of breath. */
const decodeSeconds = 60;
/** Side of the thumbnails by which two images are compared. */
const thumbnail = 128;
/** An output may have so many times the pixels that an asset may have. */
const maxGrowth = 4;

export interface SharpInspectorOptions {
  readonly maxPixels: number;
}

/** Sniffs with `file-type` and sharp's header, then decodes from disk, strip by strip. */
export class SharpInspector implements ImageInspector {
  readonly #maxPixels: number;
  readonly #turns: Turns;

  constructor(options: SharpInspectorOptions) {
    this.#maxPixels = options.maxPixels;
    // Some files must be decoded in one piece: many of them at once would fill the memory.
    this.#turns = new Turns(options.maxPixels);
  }

  async inspect(path: string, signal: AbortSignal): Promise<Inspected> {
    const format = await sniff(path);
    const metadata = await header(path, format, this.#maxPixels, signal);
    // A JPEG is decoded at an eighth of its size, yet every byte of it is read.
    const { width, height } = metadata;
    await this.#turns.run(width * height, signal, () => decode(path, 'inside', this.#maxPixels, signal));
    return sizeOf(format, metadata);
  }

  async compare(output: string, source: string, signal: AbortSignal): Promise<OutputFacts> {
    const format = await sniff(output);
    const maxPixels = this.#maxPixels * maxGrowth;
    const metadata = await header(output, format, maxPixels, signal);
    const [one, other] = await this.#turns.run(
      metadata.width * metadata.height,
      signal,
      async () =>
        [
          await decode(output, 'fill', maxPixels, signal),
          await decode(source, 'fill', maxPixels, signal),
        ] as const,
    );
    let sum = 0;
    for (let at = 0; at < one.length; at += 1) sum += Math.abs((one[at] as number) - (other[at] as number));
    return Object.freeze({
      ...sizeOf(format, metadata),
      metadata: leftovers(metadata),
      difference: sum / one.length / 255,
    });
  }
}

async function header(
  path: string,
  format: ImageFormat,
  maxPixels: number,
  signal: AbortSignal,
): Promise<Metadata> {
  const sharp = await loadSharp();
  // Without the limit, so that the answer can say how many pixels the header claims. Nothing is decoded yet.
  const image = sharp(path, { ...untrusted(maxPixels), limitInputPixels: false });
  const metadata = await runStep(image, (one) => one.metadata(), {
    seconds: decodeSeconds,
    signal,
    what: 'Reading the header of the image',
    otherwise: corrupt,
  });
  const animated = (metadata.pages ?? 1) > 1;
  if (animated || metadata.format !== format.format) {
    throw unsupported(`The file is ${animated ? `an animated ${format.label}` : metadata.format}`);
  }
  const { width, height } = metadata;
  if (width * height > maxPixels) {
    throw imageErrors.image_too_many_pixels(
      `The image has ${width} x ${height} pixels; at most ${maxPixels} are allowed.`,
      named(`must have at most ${maxPixels} pixels`),
    );
  }
  return metadata;
}

async function decode(
  path: string,
  fit: 'inside' | 'fill',
  maxPixels: number,
  signal: AbortSignal,
): Promise<Buffer> {
  const sharp = await loadSharp();
  const image = sharp(path, untrusted(maxPixels))
    .autoOrient()
    .resize(thumbnail, thumbnail, { fit })
    .flatten({ background: '#808080' })
    .toColourspace('srgb')
    .raw({ depth: 'uchar' });
  return runStep(image, (one) => one.toBuffer(), {
    seconds: decodeSeconds,
    signal,
    what: 'Decoding the image',
    otherwise: corrupt,
  });
}

async function sniff(path: string): Promise<ImageFormat> {
  const { size } = await stat(path);
  if (size === 0) throw imageErrors.asset_empty('The file is empty.', named('must not be empty'));
  const type = await fileTypeFromFile(path);
  const format = imageFormats.find(({ contentType }) => contentType === type?.mime);
  if (format !== undefined) return format;
  throw unsupported(
    type === undefined
      ? 'The file is not an image that is recognised by its content'
      : `The file is ${type.ext.toUpperCase()} (${type.mime})`,
  );
}

function corrupt(message: string, { cause }: { readonly cause: unknown }) {
  return imageErrors.image_corrupt(message, { cause, ...named('is incomplete or damaged') });
}

function unsupported(found: string) {
  return imageErrors.asset_type_unsupported(
    `${found}; accepted are ${accepted}, whatever the file is called.`,
    named(`must be ${accepted.replace(' and ', ' or ')}`),
  );
}

function named(message: string) {
  return { fields: [{ field: 'file', message }] };
}

function sizeOf({ contentType }: ImageFormat, { autoOrient }: Metadata): Inspected {
  return Object.freeze({ contentType, width: autoOrient.width, height: autoOrient.height });
}

function leftovers(metadata: Metadata): string[] {
  const { exif, icc, xmp, iptc, orientation } = metadata;
  return Object.entries({ exif, icc, xmp, iptc, orientation })
    .filter(([, value]) => value !== undefined)
    .map(([name]) => name);
}
