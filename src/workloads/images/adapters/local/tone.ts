import type { BaseLayer } from './base-layer.js';
import type { Plan } from './plan.js';
import { clamp, eachStrip, lumaOf, type Raster } from './raster.js';

const curveSteps = 4_096;

export interface ToneLayers {
  readonly base: BaseLayer;
  /** The brightness of every pixel, blurred a little: what a pixel has beyond it is fine detail. */
  readonly soft: Uint8Array;
}

/** Strongest difference, in levels of 255, that is sharpened: more of it would draw lines beside edges. */
const finest = 22;

/**
 * Applies levels, white balance, tone curve, local contrast, sharpness, colour and the style to the pixels in place.
 * @returns the mean change of brightness, in levels of 255
 */
export async function applyTone(
  raster: Raster,
  layers: ToneLayers,
  plan: Plan,
  signal: AbortSignal,
): Promise<number> {
  const toner = new Toner(raster, layers, plan);
  await eachStrip(raster, signal, (first, end) => {
    for (let y = first; y < end; y += 1) toner.row(y);
  });
  return toner.change / (raster.width * raster.height);
}

class Toner {
  /** Sum over the pixels of how far their brightness went. */
  change = 0;
  readonly #raster: Raster;
  readonly #base: BaseLayer;
  readonly #soft: Uint8Array;
  readonly #plan: Plan;
  readonly #curve: Float32Array;
  readonly #inputs: readonly [Float32Array, Float32Array, Float32Array];
  readonly #rowA: Float32Array;
  readonly #rowB: Float32Array;
  readonly #dither: Float32Array;

  constructor(raster: Raster, { base, soft }: ToneLayers, plan: Plan) {
    this.#raster = raster;
    this.#base = base;
    this.#soft = soft;
    this.#plan = plan;
    this.#curve = curveOf(plan);
    const { warmth } = plan.look;
    const [red, green, blue] = plan.gains;
    this.#inputs = [
      inputOf(red * Math.exp(warmth), plan),
      inputOf(green, plan),
      inputOf(blue * Math.exp(-warmth), plan),
    ];
    this.#rowA = new Float32Array(base.width);
    this.#rowB = new Float32Array(base.width);
    this.#dither = ditherOf();
  }

  row(y: number): void {
    const { data, width, height, channels } = this.#raster;
    const { look, black, white, clarity, sharpen, coring } = this.#plan;
    const [reds, greens, blues] = this.#inputs;
    const span = white - black;
    this.#interpolateRow(y);
    const stepX = this.#base.width / width;
    const lastX = this.#base.width - 1;
    const dy = (y + 0.5) / height - 0.5;
    for (let x = 0, at = y * width * channels; x < width; x += 1, at += channels) {
      const r8 = data[at] as number;
      const g8 = data[at + 1] as number;
      const b8 = data[at + 2] as number;
      let r = reds[r8] as number;
      let g = greens[g8] as number;
      let b = blues[b8] as number;

      const u = clamp((x + 0.5) * stepX - 0.5, 0, lastX);
      const u0 = u | 0;
      const u1 = u0 < lastX ? u0 + 1 : u0;
      const f = u - u0;
      const mapA = (this.#rowA[u0] as number) * (1 - f) + (this.#rowA[u1] as number) * f;
      const mapB = (this.#rowB[u0] as number) * (1 - f) + (this.#rowB[u1] as number) * f;
      const luma8 = lumaOf(r8, g8, b8);
      const form = (mapA * (luma8 / 255) + mapB - black) / span;
      const fine = luma8 - (this.#soft[y * width + x] as number);
      const crisp =
        fine > coring
          ? Math.min(fine - coring, finest)
          : fine < -coring
            ? Math.max(fine + coring, -finest)
            : 0;

      const luma = lumaOf(r, g, b);
      const weighed =
        look.monochrome === undefined
          ? luma
          : r * look.monochrome[0] + g * look.monochrome[1] + b * look.monochrome[2];
      // Local contrast is held back near black and white, where it would clip.
      const room = clamp(4 * luma * (1 - luma), 0, 1);
      let toned = this.#at(weighed) + ((clarity - 1) * (luma - form) + (sharpen * crisp) / 255) * room;
      if (look.glow > 0) toned += look.glow * (1 - toned) * this.#at(form) * 0.35;
      if (look.vignette > 0) {
        const dx = (x + 0.5) / width - 0.5;
        const away = clamp((dx * dx + dy * dy) * 2 - 0.15, 0, 1);
        toned *= 1 - look.vignette * away;
      }
      toned = clamp(toned, 0, 1);
      this.change += Math.abs(toned * 255 - luma8);

      if (look.monochrome !== undefined) {
        r = toned;
        g = toned;
        b = toned;
      } else {
        const colour = Math.max(r, g, b) - Math.min(r, g, b);
        // What is colourful already gets the least; the sky must not turn neon.
        const vivid = 1 + look.vibrance * clamp(1 - colour * 1.3, 0, 1);
        const lift = clamp(toned / Math.max(luma, 0.02), 0.4, 1.6);
        const strength = vivid * (0.45 + 0.55 * lift);
        const dark = (1 - toned) * (1 - toned);
        const bright = toned * toned;
        r = toned + (r - luma) * strength + look.shadows[0] * dark + look.highlights[0] * bright;
        g = toned + (g - luma) * strength + look.shadows[1] * dark + look.highlights[1] * bright;
        b = toned + (b - luma) * strength + look.shadows[2] * dark + look.highlights[2] * bright;
        // What does not fit between black and white loses colour, not brightness or hue.
        const most = Math.max(r, g, b);
        const least = Math.min(r, g, b);
        let fit = 1;
        if (most > 1 && most > toned) fit = (1 - toned) / (most - toned);
        if (least < 0 && least < toned) fit = Math.min(fit, toned / (toned - least));
        if (fit < 1) {
          r = toned + (r - toned) * fit;
          g = toned + (g - toned) * fit;
          b = toned + (b - toned) * fit;
        }
      }
      // The same offset for all three: it breaks up bands without adding coloured grain.
      const grain = this.#dither[(x * 7 + y * 131 + ((x * y) >> 3)) & 4_095] as number;
      data[at] = clamp(r * 255 + grain, 0, 255);
      data[at + 1] = clamp(g * 255 + grain, 0, 255);
      data[at + 2] = clamp(b * 255 + grain, 0, 255);
    }
  }

  #at(brightness: number): number {
    return this.#curve[(clamp(brightness, 0, 1) * curveSteps + 0.5) | 0] as number;
  }

  #interpolateRow(y: number): void {
    const { width, height, a, b } = this.#base;
    const v = clamp(((y + 0.5) * height) / this.#raster.height - 0.5, 0, height - 1);
    const v0 = Math.floor(v);
    const v1 = Math.min(v0 + 1, height - 1);
    const f = v - v0;
    for (let x = 0; x < width; x += 1) {
      this.#rowA[x] = (a[v0 * width + x] as number) * (1 - f) + (a[v1 * width + x] as number) * f;
      this.#rowB[x] = (b[v0 * width + x] as number) * (1 - f) + (b[v1 * width + x] as number) * f;
    }
  }
}

/** Channel value to brightness after white balance and levels; a little below 0 is kept, it is colour. */
function inputOf(gain: number, { black, white }: Plan): Float32Array {
  return Float32Array.from({ length: 256 }, (_, level) => ((level / 255) * gain - black) / (white - black));
}

function curveOf({ gamma, look }: Plan): Float32Array {
  return Float32Array.from({ length: curveSteps + 1 }, (_, step) => {
    const x = (step / curveSteps) ** gamma;
    // Less in the bright half: clouds are worth more than brilliance.
    const contrast = look.contrast * (1 - 0.75 * clamp((x - 0.4) / 0.3, 0, 1));
    const bent = x - (contrast * Math.sin(2 * Math.PI * x)) / (2 * Math.PI);
    return look.floor + bent * (look.ceiling - look.floor);
  });
}

/** Offsets from 0 to 1 by which values are rounded; the same for every run, so that results can be compared. */
function ditherOf(): Float32Array {
  let state = 0x9e37_79b9;
  return Float32Array.from({ length: 4_096 }, () => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return state / 4_294_967_296;
  });
}
