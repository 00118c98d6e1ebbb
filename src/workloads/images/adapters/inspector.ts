import type { ImageContentType } from '../formats.js';

/** What a file really is, whatever it is called. */
export interface Inspected {
  readonly contentType: ImageContentType;
  /** As it is seen: the orientation that a camera noted is applied. */
  readonly width: number;
  readonly height: number;
}

/** What an output is checked for. */
export interface OutputFacts extends Inspected {
  /** Names of the metadata that are still in it: `exif`, `icc`, `xmp`, `iptc`, `orientation`. */
  readonly metadata: readonly string[];
  /** Mean difference of brightness to the source, both as they are seen, 0 to 1. */
  readonly difference: number;
}

/** Looks into image files. Trusts neither name nor declared type nor header. */
export interface ImageInspector {
  /**
   * Finds out what a file is and decodes it to the end.
   * @throws asset_empty, asset_type_unsupported, image_too_many_pixels, image_corrupt, image_timeout,
   * image_model_unavailable
   */
  inspect(path: string, signal: AbortSignal): Promise<Inspected>;
  /** @throws as `inspect` */
  compare(output: string, source: string, signal: AbortSignal): Promise<OutputFacts>;
}
