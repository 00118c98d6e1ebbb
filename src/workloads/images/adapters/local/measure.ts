import { clamp, lumaOf, type Raster } from './raster.js';

/** What the histogram says. Brightness from 0 (black) to 1 (white). */
export interface Measurement {
  /** Brightness that the darkest 0.3 % stay below: what ought to be black. */
  readonly black: number;
  /** Brightness that the brightest 0.3 % exceed: what ought to be white. */
  readonly white: number;
  readonly median: number;
  /** Factors for red, green and blue that make what is nearly grey really grey. */
  readonly gains: readonly [number, number, number];
  /** Share of pixels on which the gains rest; 0 when too few were grey to tell. */
  readonly neutralShare: number;
  /** Mean distance between the largest and the smallest channel, 0 to 1. */
  readonly colourfulness: number;
}

const nothingToSee: Measurement = Object.freeze({
  black: 0,
  white: 1,
  median: 0.5,
  gains: [1, 1, 1] as const,
  neutralShare: 0,
  colourfulness: 0,
});

/** Pixels that are more transparent than this say nothing about the picture. */
const minOpacity = 32;

/** Channels may lie apart by this share of the brightness and still be grey under coloured light; the more, the less it counts. */
const maxCast = 0.26;

/** Measures a small copy of the picture: a few hundred thousand pixels are plenty. */
export function measure(raster: Raster): Measurement {
  const { data, channels } = raster;
  const histogram = new Uint32Array(256);
  const neutral = { count: 0, r: 0, g: 0, b: 0 };
  let count = 0;
  let spread = 0;
  for (let at = 0; at < data.length; at += channels) {
    if (channels === 4 && (data[at + 3] as number) < minOpacity) continue;
    const r = data[at] as number;
    const g = data[at + 1] as number;
    const b = data[at + 2] as number;
    const luma = lumaOf(r, g, b);
    const range = Math.max(r, g, b) - Math.min(r, g, b);
    histogram[Math.round(luma)] = (histogram[Math.round(luma)] as number) + 1;
    count += 1;
    spread += range;
    // A clipped channel has lost its colour, and the deep shadows have more noise than colour.
    const weight = 1 - range / (maxCast * luma);
    if (luma > 60 && Math.max(r, g, b) < 250 && weight > 0) {
      neutral.count += weight;
      neutral.r += (weight * r) / luma;
      neutral.g += (weight * g) / luma;
      neutral.b += (weight * b) / luma;
    }
  }
  if (count === 0) return nothingToSee;
  const share = neutral.count / count;
  return Object.freeze({
    black: percentile(histogram, count, 0.003),
    white: percentile(histogram, count, 0.997),
    median: percentile(histogram, count, 0.5),
    gains: share < 0.02 ? nothingToSee.gains : gainsOf(neutral),
    neutralShare: share < 0.02 ? 0 : share,
    colourfulness: spread / count / 255,
  });
}

function percentile(histogram: Uint32Array, count: number, share: number): number {
  const wanted = share * count;
  let seen = 0;
  for (let level = 0; level < 256; level += 1) {
    seen += histogram[level] as number;
    if (seen >= wanted && seen > 0) return level / 255;
  }
  return 1;
}

/**
 * Most of the cast that the nearly grey pixels share is taken back, along the axis of daylight (amber to blue) and
 * hardly across it: a wrong guess on the axis from green to magenta is what turns faces pink.
 */
function gainsOf(neutral: { count: number; r: number; g: number; b: number }): [number, number, number] {
  const r = neutral.r / neutral.count;
  const g = neutral.g / neutral.count;
  const b = neutral.b / neutral.count;
  const amber = clamp(Math.log(b / r) / 2, -0.1, 0.1) * 0.7;
  const magenta = clamp(Math.log(g / Math.sqrt(r * b)), -0.03, 0.03) * 0.5;
  const gains = [Math.exp(amber + magenta / 3), Math.exp((-2 * magenta) / 3), Math.exp(-amber + magenta / 3)];
  const [red = 1, green = 1, blue = 1] = gains;
  const keep = lumaOf(red, green, blue);
  return [red / keep, green / keep, blue / keep];
}
