import type { Style } from '../../style.js';

type Colour = readonly [number, number, number];

/** What a style does to a picture that has been brought to a good exposure. Brightness from 0 to 1. */
export interface Look {
  /** Range in which the median brightness is left alone; outside, it is moved towards it. */
  readonly midtone: readonly [number, number];
  /** Strength of the S-curve, -1 to 1; negative flattens. */
  readonly contrast: number;
  /** Factor of local contrast: 1 leaves it, less softens. */
  readonly clarity: number;
  /** How much colour is added, most to what has little. Negative takes colour away. */
  readonly vibrance: number;
  /** Towards amber (positive) or blue, as the logarithm of a gain. */
  readonly warmth: number;
  /** Added where it is dark, and where it is bright. */
  readonly shadows: Colour;
  readonly highlights: Colour;
  /** Brightness of black, and of white: a matte print has neither. */
  readonly floor: number;
  readonly ceiling: number;
  /** Darkening towards the corners, 0 to 1. */
  readonly vignette: number;
  /** Light that spreads from bright forms, 0 to 1. */
  readonly glow: number;
  /** Weights of red, green and blue for a picture without colour. */
  readonly monochrome: Colour | undefined;
}

const neutral = Object.freeze<Look>({
  midtone: [0.4, 0.5],
  contrast: 0.14,
  clarity: 1.35,
  vibrance: 0.16,
  warmth: 0,
  shadows: [0, 0, 0],
  highlights: [0, 0, 0],
  floor: 0,
  ceiling: 1,
  vignette: 0,
  glow: 0,
  monochrome: undefined,
});

export const looks: Readonly<Record<Style, Look>> = Object.freeze({
  neutral,
  bright: { ...neutral, midtone: [0.56, 0.62], contrast: 0.06, clarity: 1.25, vibrance: 0.2, warmth: 0.01 },
  warm: {
    ...neutral,
    midtone: [0.42, 0.5],
    warmth: 0.075,
    vibrance: 0.18,
    shadows: [0.012, 0.004, -0.012],
    highlights: [0.02, 0.008, -0.035],
  },
  evening: {
    ...neutral,
    midtone: [0.3, 0.34],
    contrast: 0.2,
    warmth: 0.04,
    vibrance: 0.12,
    shadows: [-0.012, -0.008, 0.055],
    highlights: [0.06, 0.0, -0.075],
    ceiling: 0.94,
    vignette: 0.35,
  },
  noir: {
    ...neutral,
    midtone: [0.38, 0.44],
    contrast: 0.42,
    clarity: 1.7,
    vignette: 0.3,
    monochrome: [0.42, 0.45, 0.13],
  },
  soft: {
    ...neutral,
    midtone: [0.5, 0.56],
    contrast: -0.14,
    clarity: 0.8,
    vibrance: -0.14,
    warmth: 0.015,
    shadows: [0.012, 0.008, 0.02],
    highlights: [0.012, 0.004, -0.004],
    floor: 0.045,
    ceiling: 0.98,
    glow: 0.3,
  },
});
