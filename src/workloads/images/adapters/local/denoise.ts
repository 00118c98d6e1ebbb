import { eachStrip, type Raster } from './raster.js';

/**
 * Moves every pixel towards its smoothed self in place: wholly where the two differ by less than the noise,
 * not at all where they differ by half as much again, because that is an edge.
 */
export async function blendSmooth(
  raster: Raster,
  smooth: Uint8Array,
  threshold: number,
  signal: AbortSignal,
): Promise<void> {
  const weights = Float32Array.from({ length: 256 }, (_, difference) =>
    Math.exp(-((difference / threshold) ** 4)),
  );
  const { data, width, channels } = raster;
  await eachStrip(raster, signal, (first, end) => {
    for (let at = first * width * channels; at < end * width * channels; at += channels) {
      for (let channel = 0; channel < 3; channel += 1) {
        const own = data[at + channel] as number;
        const difference = (smooth[at + channel] as number) - own;
        data[at + channel] = own + difference * (weights[Math.abs(difference)] as number) + 0.5;
      }
    }
  });
}
