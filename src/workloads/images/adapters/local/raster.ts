/** Pixels in memory: sRGB, 8 bits a channel, row by row. The fourth channel is opacity. */
export interface Raster {
  readonly data: Uint8Array;
  readonly width: number;
  readonly height: number;
  readonly channels: 3 | 4;
}

/** Brightness as the eye weighs it, of channel values in any one range. */
export function lumaOf(r: number, g: number, b: number): number {
  return 0.2126 * r + 0.7152 * g + 0.0722 * b;
}

export function clamp(value: number, low: number, high: number): number {
  return value < low ? low : Math.min(value, high);
}

/** Pixels in one go between two looks at the abort signal: a few milliseconds of the event loop. */
const pixelsPerStrip = 200_000;

/**
 * Calls `work` for one strip of rows after the other and lets the process breathe in between, so that
 * heartbeats go out and an abort is noticed. @throws the signal's reason
 */
export async function eachStrip(
  { width, height }: Pick<Raster, 'width' | 'height'>,
  signal: AbortSignal,
  work: (firstRow: number, endRow: number) => void,
): Promise<void> {
  const rows = Math.max(1, Math.floor(pixelsPerStrip / width));
  for (let first = 0; first < height; first += rows) {
    signal.throwIfAborted();
    work(first, Math.min(first + rows, height));
    await new Promise<void>((resolve) => setImmediate(resolve));
  }
}

/** The brightness of every pixel, 0 to 255. */
export async function lumaPlane(raster: Raster, signal: AbortSignal): Promise<Uint8Array> {
  const { data, width, height, channels } = raster;
  const plane = new Uint8Array(width * height);
  await eachStrip(raster, signal, (first, end) => {
    for (let pixel = first * width, at = pixel * channels; pixel < end * width; pixel += 1, at += channels) {
      plane[pixel] = lumaOf(data[at] as number, data[at + 1] as number, data[at + 2] as number) + 0.5;
    }
  });
  return plane;
}
