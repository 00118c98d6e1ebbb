import type { Style } from '../../style.js';
import { type Look, looks } from './look.js';
import type { Measurement } from './measure.js';
import { clamp } from './raster.js';

/** What is done to one picture: the measured faults put right, then the style. */
export interface Plan {
  readonly look: Look;
  /** Brightness that becomes 0, and that which becomes 1. */
  readonly black: number;
  readonly white: number;
  /** Exponent of the tone curve: below 1 brightens. */
  readonly gamma: number;
  readonly gains: readonly [number, number, number];
  /** Factor of local contrast: the look's, held back where it would lift noise. */
  readonly clarity: number;
  /** Differences of up to this many levels of 255 count as noise; 0 leaves the noise alone. */
  readonly denoise: number;
  /** How much fine detail is added to itself. */
  readonly sharpen: number;
  /** Fine differences of up to this many levels of 255 are not sharpened: they are noise, or JPEG's blocks. */
  readonly coring: number;
}

/** Furthest that the ends of the histogram are moved: beyond, it is the picture that is dark or pale. */
const maxBlack = 0.2;
const minWhite = 0.7;

export function planFor(measured: Measurement, noise: number, style: Style): Plan {
  const look = looks[style];
  const spread = measured.white - measured.black;
  // A picture of nearly one tone has no black and white to be stretched to.
  const flat = spread < 0.1;
  const black = flat || measured.black < 0.012 ? 0 : Math.min(measured.black, maxBlack) * 0.8;
  const white = flat || measured.white > 0.985 ? 1 : 1 - (1 - Math.max(measured.white, minWhite)) * 0.9;
  const gained = measured.gains.some((gain) => Math.abs(gain - 1) > 0.012);
  return Object.freeze({
    look,
    black,
    white,
    gamma: flat ? 1 : gammaFor(clamp((measured.median - black) / (white - black), 0.02, 0.98), look.midtone),
    gains: gained ? measured.gains : ([1, 1, 1] as const),
    clarity: look.clarity > 1 ? 1 + (look.clarity - 1) * clamp(1 - noise / 16, 0.25, 1) : look.clarity,
    denoise: noise < 1.2 ? 0 : Math.min(noise, 12) * 2.2,
    // Sharpening a noisy picture sharpens the noise.
    sharpen: clamp(0.85 - noise * 0.07, 0.2, 0.8) * (look.clarity < 1 ? 0.5 : 1),
    coring: clamp(0.8 + noise * 0.8, 1, 6),
  });
}

function gammaFor(median: number, [low, high]: readonly [number, number]): number {
  const target = clamp(median, low, high);
  const gamma = Math.log(target) / Math.log(median);
  // Most of the way, and never so far that shadows turn to fog or highlights to mud.
  return clamp(1 + (gamma - 1) * 0.75, 0.62, 1.55);
}
