import { lumaOf, type Raster } from './raster.js';

/**
 * How to split brightness into large forms and detail: `base = a · luma + b`, where `a` and `b` vary slowly
 * over the picture. Edges stay in the base (a guided filter: He, Sun, Tang 2010), so that lifting the
 * detail draws no halos along a skyline.
 */
export interface BaseLayer {
  readonly width: number;
  readonly height: number;
  readonly a: Float32Array;
  readonly b: Float32Array;
}

/** Contrast, in brightness from 0 to 1, above which an edge counts as form and not as detail. */
const edge = 0.12;

/** From a small copy of the picture: the maps are smooth, so their size does not matter. */
export function baseLayerOf(small: Raster): BaseLayer {
  const { width, height, data, channels } = small;
  const luma = new Float32Array(width * height);
  for (let at = 0, pixel = 0; pixel < luma.length; at += channels, pixel += 1) {
    luma[pixel] = lumaOf(data[at] as number, data[at + 1] as number, data[at + 2] as number) / 255;
  }
  const radius = Math.max(1, Math.round(Math.max(width, height) / 40));
  const mean = boxMean(luma, width, height, radius);
  const meanSquare = boxMean(
    luma.map((value) => value * value),
    width,
    height,
    radius,
  );
  const a = new Float32Array(luma.length);
  const b = new Float32Array(luma.length);
  for (let pixel = 0; pixel < luma.length; pixel += 1) {
    const m = mean[pixel] as number;
    const variance = Math.max(0, (meanSquare[pixel] as number) - m * m);
    a[pixel] = variance / (variance + edge * edge);
    b[pixel] = m * (1 - (a[pixel] as number));
  }
  return { width, height, a: boxMean(a, width, height, radius), b: boxMean(b, width, height, radius) };
}

/** Mean over a square of side `2 · radius + 1`, cut at the borders. Its cost does not depend on the radius. */
function boxMean(values: Float32Array, width: number, height: number, radius: number): Float32Array {
  const across = new Float32Array(values.length);
  for (let y = 0; y < height; y += 1) slide(values, across, y * width, 1, width, radius);
  const down = new Float32Array(values.length);
  for (let x = 0; x < width; x += 1) slide(across, down, x, width, height, radius);
  return down;
}

function slide(
  from: Float32Array,
  to: Float32Array,
  start: number,
  step: number,
  length: number,
  radius: number,
): void {
  let sum = 0;
  let count = 0;
  for (let i = 0; i < Math.min(radius, length); i += 1) {
    sum += from[start + i * step] as number;
    count += 1;
  }
  for (let i = 0; i < length; i += 1) {
    if (i + radius < length) {
      sum += from[start + (i + radius) * step] as number;
      count += 1;
    }
    if (i - radius - 1 >= 0) {
      sum -= from[start + (i - radius - 1) * step] as number;
      count -= 1;
    }
    to[start + i * step] = sum / count;
  }
}
