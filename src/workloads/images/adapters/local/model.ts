import { availableParallelism } from 'node:os';
import { imageErrors } from '../../errors.js';
import { formatOf, type ImageContentType } from '../../formats.js';
import type { EnhanceContext, EnhanceRequest, EnhanceResult, ImageModel, Tier } from '../model.js';
import { loadSharp, runStep, untrusted } from '../sharp/library.js';
import { Turns } from '../sharp/turns.js';
import { baseLayerOf } from './base-layer.js';
import { blendSmooth } from './denoise.js';
import { type Measurement, measure } from './measure.js';
import { measureNoise } from './noise.js';
import { type Plan, planFor } from './plan.js';
import { lumaPlane, type Raster } from './raster.js';
import { applyTone } from './tone.js';

/** Side of the small copy on which tone and colour are measured. */
const sampleSide = 640;
/** A premium image is made larger up to this many pixels. */
const maxUpscaledPixels = 24_000_000;
/** Up to this many pixels the output may have twice as many on each side. */
const smallPixels = 12_000_000;
/** No format takes a longer side than this: WebP's is the shortest limit, 16383. */
const maxSide = 16_383;
/** Pixels that one process works on at a time: as many photographs as there are cores, for memory's sake. */
const pixelsInHand = 8_000_000 * availableParallelism();

/** Mean change of brightness, in levels of 255, from which on an image counts as changed. */
const leastChange = 2;

const stepSeconds = 120;

export interface LocalModelOptions {
  readonly maxPixels: number;
}

/** Measures a photograph and puts right what it finds, with sharp and a little arithmetic; needs no network. */
export class LocalModel implements ImageModel {
  readonly name = 'local';
  readonly #maxPixels: number;
  readonly #turns = new Turns(pixelsInHand);

  constructor(options: LocalModelOptions) {
    this.#maxPixels = options.maxPixels;
  }

  async enhance(request: EnhanceRequest, context: EnhanceContext): Promise<EnhanceResult> {
    const sharp = await loadSharp();
    const { width, height } = await runStep(
      sharp(request.source, untrusted(this.#maxPixels)),
      (image) => image.metadata(),
      step(context, 'Reading the header of the image', imageErrors.image_corrupt),
    );
    return this.#turns.run(width * height, context.signal, () => this.#work(request, context));
  }

  async #work(request: EnhanceRequest, context: EnhanceContext): Promise<EnhanceResult> {
    context.progress(0, 'reading');
    const raster = await this.#decode(request.source, context);
    context.progress(0.15, 'measuring');
    const sample = await shrink(raster, context);
    const measured = measure(sample);
    const noise = measureNoise(raster);
    const plan = planFor(measured, noise, request.style);
    logPlan(context, measured, noise, plan);
    context.progress(0.25, 'enhancing');
    if (plan.denoise > 0) await denoise(raster, noise, plan, context);
    context.progress(0.4, 'enhancing');
    const layers = { base: baseLayerOf(sample), soft: await soften(raster, context) };
    const change = await applyTone(raster, layers, plan, context.signal);
    context.progress(0.65, 'encoding');
    const size = outputSize(raster, request.tier);
    await encode(raster, size, request, context);
    return Object.freeze({ ...size, changed: change >= leastChange });
  }

  async #decode(source: string, context: EnhanceContext): Promise<Raster> {
    const sharp = await loadSharp();
    const { data, info } = await runStep(
      sharp(source, untrusted(this.#maxPixels)).autoOrient().toColourspace('srgb').raw({ depth: 'uchar' }),
      (image) => image.toBuffer({ resolveWithObject: true }),
      step(context, 'Decoding the image', imageErrors.image_corrupt),
    );
    return { data, width: info.width, height: info.height, channels: info.channels === 4 ? 4 : 3 };
  }
}

/**
 * Free keeps the size. Premium doubles both sides of a small image and makes a larger one half as large again,
 * as far as the limits allow. Both sides are scaled alike and rounded, so that the aspect ratio stays.
 */
export function outputSize(
  { width, height }: { readonly width: number; readonly height: number },
  tier: Tier,
): { readonly width: number; readonly height: number } {
  const pixels = width * height;
  const wished = pixels * 4 <= smallPixels ? 2 : 1.5;
  const factor = Math.min(wished, Math.sqrt(maxUpscaledPixels / pixels), maxSide / Math.max(width, height));
  if (tier === 'free' || factor <= 1) return { width, height };
  return { width: Math.round(width * factor), height: Math.round(height * factor) };
}

async function shrink(raster: Raster, context: EnhanceContext): Promise<Raster> {
  const { data, info } = await runStep(
    (await fromRaster(raster))
      .resize(sampleSide, sampleSide, { fit: 'inside', withoutEnlargement: true })
      .raw(),
    (image) => image.toBuffer({ resolveWithObject: true }),
    step(context, 'Measuring the image', imageErrors.image_output_invalid),
  );
  return { data, width: info.width, height: info.height, channels: raster.channels };
}

async function denoise(raster: Raster, noise: number, plan: Plan, context: EnhanceContext): Promise<void> {
  // The median takes single wrong pixels, the blur what is left of the grain.
  const blur = Math.min(0.6 + noise * 0.12, 1.8);
  const smooth = await runStep(
    (await fromRaster(raster)).median(3).blur(blur).raw(),
    (image) => image.toBuffer(),
    step(context, 'Removing noise', imageErrors.image_output_invalid),
  );
  await blendSmooth(raster, smooth, plan.denoise, context.signal);
}

/** Brightness without its finest detail. */
async function soften(raster: Raster, context: EnhanceContext): Promise<Uint8Array> {
  const { width, height } = raster;
  const sharp = await loadSharp();
  const plane = await lumaPlane(raster, context.signal);
  return runStep(
    sharp(plane, { raw: { width, height, channels: 1 }, limitInputPixels: false })
      .blur(1.1)
      .toColourspace('b-w')
      .raw(),
    (image) => image.toBuffer(),
    step(context, 'Finding the fine detail', imageErrors.image_output_invalid),
  );
}

async function encode(
  raster: Raster,
  size: { readonly width: number; readonly height: number },
  { target, contentType, tier }: EnhanceRequest,
  context: EnhanceContext,
): Promise<void> {
  const resized = (await fromRaster(raster)).resize(size.width, size.height, {
    fit: 'fill',
    kernel: 'lanczos3',
  });
  await runStep(
    resized.toFormat(formatOf(contentType).format, encoding(contentType, tier)),
    (image) => image.toFile(target),
    step(context, 'Encoding the image', imageErrors.image_output_invalid),
  );
}

function encoding(contentType: ImageContentType, tier: Tier): object {
  switch (contentType) {
    case 'image/jpeg':
      // Optimal Huffman tables need the whole image in memory a second time, for a few per cent of size.
      return {
        quality: tier === 'premium' ? 91 : 89,
        chromaSubsampling: tier === 'premium' ? '4:4:4' : '4:2:0',
        optimiseCoding: false,
      };
    case 'image/png':
      return { compressionLevel: 6, adaptiveFiltering: false };
    case 'image/webp':
      return { quality: 90, effort: 3, smartSubsample: true };
    default:
      return contentType satisfies never;
  }
}

async function fromRaster({ data, width, height, channels }: Raster) {
  const sharp = await loadSharp();
  return sharp(data, { raw: { width, height, channels }, limitInputPixels: false });
}

function step(
  { signal }: EnhanceContext,
  what: string,
  otherwise: (message: string, options: { cause: unknown }) => Error,
) {
  return { seconds: stepSeconds, signal, what, otherwise };
}

function logPlan(context: EnhanceContext, measured: Measurement, noise: number, plan: Plan): void {
  const round = (value: number): number => Math.round(value * 1_000) / 1_000;
  context.log('info', 'measured', {
    black_point: round(measured.black),
    white_point: round(measured.white),
    median: round(measured.median),
    colourfulness: round(measured.colourfulness),
    neutral_share: round(measured.neutralShare),
    noise: round(noise),
  });
  context.log('info', 'planned', {
    black_to: round(plan.black),
    white_to: round(plan.white),
    gamma: round(plan.gamma),
    gains: plan.gains.map(round),
    denoise: round(plan.denoise),
    sharpen: round(plan.sharpen),
  });
}
