import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import sharp from 'sharp';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { newId } from '../../../../foundation/ids.js';
import type { ImageContentType } from '../../formats.js';
import { type Style, styles } from '../../style.js';
import {
  blue,
  cameraExif,
  green,
  landscape,
  meanColour,
  quarters,
  type Rgb,
  red,
  white,
} from '../../testing/pictures.js';
import type { EnhanceResult, Tier } from '../model.js';
import { LocalModel, outputSize } from './model.js';
import { measureNoise } from './noise.js';

const never = new AbortController().signal;
const model = new LocalModel({ maxPixels: 50_000_000 });
let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'signalbox-model-'));
});
afterAll(async () => rm(folder, { recursive: true, force: true }));

interface Options {
  readonly style?: Style;
  readonly tier?: Tier;
  readonly contentType?: ImageContentType;
  readonly signal?: AbortSignal;
}

interface Enhanced extends EnhanceResult {
  readonly data: Buffer;
  readonly log: Readonly<Record<string, Record<string, unknown>>>;
  readonly phases: readonly [number, string][];
}

async function enhance(source: Buffer, options: Options = {}): Promise<Enhanced> {
  const { style = 'neutral', tier = 'free', contentType = 'image/jpeg', signal = never } = options;
  const path = join(folder, newId());
  const target = join(folder, newId());
  await writeFile(path, source);
  const log: Record<string, Record<string, unknown>> = {};
  const phases: [number, string][] = [];
  const result = await model.enhance(
    { source: path, target, contentType, prompt: 'any', style, tier },
    {
      signal,
      progress: (fraction, phase) => phases.push([fraction, phase]),
      log: (_level, message, data) => {
        log[message] = { ...data };
      },
    },
  );
  return { ...result, data: await readFile(target), log, phases };
}

const jpeg = (image: ReturnType<typeof landscape>) => image.jpeg({ quality: 95 }).toBuffer();
const spreadOf = ([r, g, b]: Rgb) => Math.max(r, g, b) - Math.min(r, g, b);

describe('what is measured is put right', () => {
  it('stretches a hazy picture to black and white, and says by how much', async () => {
    const hazy = await jpeg(landscape(400, 300, { dark: 60, bright: 200 }));
    const { data, log, changed } = await enhance(hazy);
    expect(log).toMatchObject({ measured: { black_point: expect.any(Number), noise: expect.any(Number) } });
    expect(log.measured?.black_point).toBeGreaterThan(0.15);
    expect(log.measured?.white_point).toBeLessThan(0.85);
    const [before, after] = [await sharp(hazy).stats(), await sharp(data).stats()];
    for (const [channel, stats] of after.channels.entries()) {
      expect(stats.stdev).toBeGreaterThan((before.channels[channel]?.stdev ?? 0) * 1.2);
    }
    expect(changed).toBe(true);
  });

  it('brightens the dark and holds the bright', async () => {
    const luma = async (image: Buffer) => (await sharp(image).greyscale().stats()).channels[0]?.mean ?? 0;
    const dark = await jpeg(landscape(300, 200, { bright: 110 }));
    expect(await luma((await enhance(dark)).data)).toBeGreaterThan((await luma(dark)) * 1.3);
    const pale = await jpeg(landscape(300, 200, { dark: 120 }));
    expect(await luma((await enhance(pale)).data)).toBeLessThan(await luma(pale));
  });

  it.each([
    ['blue', [0.94, 1, 1.06]],
    ['amber', [1.06, 1, 0.94]],
  ] as const)('takes back most of a %s cast, and turns nothing pink', async (_name, tint) => {
    const cast = await jpeg(landscape(400, 300, { bright: 220, tint }));
    const { data } = await enhance(cast);
    const sky = [0.1, 0.02, 0.8, 0.3] as const;
    const [before, after] = [await meanColour(cast, sky), await meanColour(data, sky)];
    expect(spreadOf(after)).toBeLessThan(spreadOf(before) * 0.75);
    const [r, g, b] = after;
    expect(Math.min(r, b) - g).toBeLessThan(4);
  });

  it('removes noise from flat areas and keeps edges', async () => {
    const noisy = await sharp(await landscape(400, 300, { noise: 14 }).png().toBuffer())
      .png()
      .toBuffer();
    const { data, log } = await enhance(noisy, { contentType: 'image/png' });
    expect(log.measured?.noise).toBeGreaterThan(4);
    const noiseOf = async (image: Buffer) => {
      const { data: pixels, info } = await sharp(image).raw().toBuffer({ resolveWithObject: true });
      return measureNoise({ data: pixels, width: info.width, height: info.height, channels: 3 });
    };
    expect(await noiseOf(noisy)).toBeCloseTo(log.measured?.noise as number, 1);
    expect(await noiseOf(data)).toBeLessThan((await noiseOf(noisy)) / 2);
    const edge = async (image: Buffer) =>
      (await meanColour(image, [0.4, 0.3, 0.2, 0.05]))[0] -
      (await meanColour(image, [0.4, 0.85, 0.2, 0.05]))[0];
    expect(await edge(data)).toBeGreaterThan((await edge(noisy)) * 0.9);
  });

  it('leaves a picture alone that is fine, but for its crispness', async () => {
    const fine = await landscape(400, 300).png().toBuffer();
    const { data, log } = await enhance(fine, { contentType: 'image/png' });
    expect(log.planned).toMatchObject({ black_to: 0, white_to: 1, gains: [1, 1, 1], denoise: 0 });
    const [before, after] = [await meanColour(fine), await meanColour(data)];
    for (const [channel, value] of after.entries())
      expect(Math.abs(value - (before[channel] as number))).toBeLessThan(16);
  });

  it('says so when there is nothing to change', async () => {
    const flat = await sharp({ create: { width: 40, height: 30, channels: 3, background: '#808080' } })
      .png()
      .toBuffer();
    const { changed, data } = await enhance(flat, { contentType: 'image/png' });
    expect(changed).toBe(false);
    expect(spreadOf(await meanColour(data))).toBeLessThanOrEqual(1);
  });
});

describe('styles', () => {
  it('differ from one another for the eye', async () => {
    const source = await jpeg(landscape(400, 300, { dark: 20, bright: 230 }));
    const looks = new Map<Style, readonly number[]>();
    for (const style of styles) {
      const { data } = await enhance(source, { style });
      const fields = await Promise.all([0, 0.5, 0.75].map((y) => meanColour(data, [0.3, y, 0.4, 0.25])));
      looks.set(style, fields.flat());
    }
    for (const [one, a] of looks) {
      for (const [other, b] of looks) {
        const distance = Math.max(...a.map((value, index) => Math.abs(value - (b[index] as number))));
        if (one < other) expect(distance, `${one} and ${other}`).toBeGreaterThan(8);
      }
    }
    const noir = looks.get('noir') as number[];
    expect(Math.max(...noir.slice(0, 3)) - Math.min(...noir.slice(0, 3))).toBeLessThanOrEqual(2);
  });
});

describe('what the camera noted', () => {
  // What is seen at top left, top right, bottom left and bottom right for each orientation of the same pixels.
  const seen = {
    1: [red, green, blue, white],
    2: [green, red, white, blue],
    3: [white, blue, green, red],
    4: [blue, white, red, green],
    5: [red, blue, green, white],
    6: [blue, red, white, green],
    7: [white, green, blue, red],
    8: [green, white, red, blue],
  } as const;

  it.each(Object.entries(seen))(
    'orientation %s is applied and then gone, with the place',
    async (tag, fields) => {
      const source = await quarters(120, 80)
        .jpeg({ quality: 95 })
        .withExif(cameraExif)
        .withMetadata({ orientation: Number(tag) })
        .toBuffer();
      const { exif, orientation } = await sharp(source).metadata();
      expect(orientation).toBe(Number(tag));
      expect(exif).toBeDefined();
      const { data, width, height } = await enhance(source);
      expect([width, height]).toEqual(Number(tag) >= 5 ? [80, 120] : [120, 80]);
      const metadata = await sharp(data).metadata();
      expect(metadata).toMatchObject({ width, height, format: 'jpeg' });
      for (const gone of ['exif', 'icc', 'xmp', 'iptc', 'orientation'])
        expect(metadata).not.toHaveProperty(gone);
      expect(data.includes('GPS') || data.includes('Somebody')).toBe(false);
      const corners = [
        [0.1, 0.1],
        [0.6, 0.1],
        [0.1, 0.6],
        [0.6, 0.6],
      ] as const;
      for (const [index, [x, y]] of corners.entries()) {
        const [r, g, b] = await meanColour(data, [x, y, 0.3, 0.3]);
        const wanted = fields[index];
        const strongest = (c: { r: number; g: number; b: number }) =>
          c === white ? 'white' : c.r > c.g && c.r > c.b ? 'r' : c.g > c.b ? 'g' : 'b';
        const found = Math.min(r, g, b) > 180 ? 'white' : strongest({ r, g, b });
        expect(found).toBe(strongest(wanted as typeof red));
      }
    },
  );
});

describe('kinds of image', () => {
  it('keeps the opacity of a PNG, and measures only what can be seen', async () => {
    const base = await landscape(200, 100, { dark: 60, bright: 200 }).ensureAlpha().raw().toBuffer();
    for (let at = 0; at < base.length; at += 4) {
      const x = (at / 4) % 200;
      base[at + 3] = x < 100 ? 0 : x < 150 ? 128 : 255;
      if (x < 100) base.fill(x % 2 === 0 ? 0 : 255, at, at + 3);
    }
    const source = await sharp(base, { raw: { width: 200, height: 100, channels: 4 } })
      .png()
      .toBuffer();
    const { data, log } = await enhance(source, { contentType: 'image/png', tier: 'premium' });
    expect(log.measured?.black_point).toBeGreaterThan(0.1);
    const { width, height, hasAlpha, format } = await sharp(data).metadata();
    expect({ width, height, hasAlpha, format }).toEqual({
      width: 400,
      height: 200,
      hasAlpha: true,
      format: 'png',
    });
    const alpha = await sharp(data).extractChannel('alpha').raw().toBuffer();
    expect([alpha[100 * 400 + 50], alpha[100 * 400 + 250], alpha[100 * 400 + 350]]).toEqual([0, 128, 255]);
  });

  it.each([
    ['greyscale JPEG', 'image/jpeg', () => landscape(200, 120, { dark: 50, bright: 190 }).greyscale().jpeg()],
    ['CMYK JPEG', 'image/jpeg', () => landscape(200, 120).toColourspace('cmyk').jpeg()],
    ['16-bit PNG', 'image/png', () => landscape(200, 120, { dark: 50 }).toColourspace('rgb16').png()],
    ['16-bit grey PNG', 'image/png', () => landscape(200, 120, { dark: 50 }).toColourspace('grey16').png()],
    ['palette PNG', 'image/png', () => landscape(200, 120).png({ palette: true, colours: 16 })],
    ['1-bit PNG', 'image/png', () => landscape(200, 120).threshold(100).png({ colours: 2 })],
    ['WebP', 'image/webp', () => landscape(200, 120).webp()],
    [
      'lossless WebP with opacity',
      'image/webp',
      () => landscape(200, 120).ensureAlpha(0.5).webp({ lossless: true }),
    ],
    ['JPEG in another colour space', 'image/jpeg', () => landscape(200, 120).withIccProfile('p3').jpeg()],
    ['progressive JPEG', 'image/jpeg', () => landscape(200, 120).jpeg({ progressive: true })],
  ] as const)('works on a %s', async (_name, contentType, make) => {
    const source = await make().toBuffer();
    const { data } = await enhance(source, { contentType, tier: 'premium' });
    const metadata = await sharp(data).metadata();
    expect(metadata).toMatchObject({ width: 400, height: 240, depth: 'uchar', space: 'srgb' });
    expect(`image/${metadata.format}`).toBe(contentType);
    expect(metadata.icc).toBeUndefined();
    const { entropy } = await sharp(data).stats();
    expect(entropy).toBeGreaterThan(0.5);
    // What was grey stays grey, what was light stays light.
    const [before, after] = [await meanColour(source), await meanColour(data)];
    for (const [channel, value] of after.entries())
      expect(Math.abs(value - (before[channel] as number))).toBeLessThan(60);
  });

  it.each([
    [1, 1],
    [1, 500],
    [6_000, 3],
    [2, 2],
    [17, 1],
  ])('works on %i x %i pixels', async (width, height) => {
    const source = await sharp({ create: { width, height, channels: 3, background: '#a07050' } })
      .png()
      .toBuffer();
    for (const tier of ['free', 'premium'] as const) {
      const factor = tier === 'free' ? 1 : 2;
      const { data } = await enhance(source, { contentType: 'image/png', tier });
      expect(await sharp(data).metadata()).toMatchObject({ width: width * factor, height: height * factor });
    }
  });
});

describe('size', () => {
  it('keeps the aspect ratio to half a pixel, never shrinks, and stays within its limits', () => {
    const side = fc.integer({ min: 1, max: 16_383 });
    fc.assert(
      fc.property(side, side, (width, height) => {
        fc.pre(width * height <= 50_000_000);
        expect(outputSize({ width, height }, 'free')).toEqual({ width, height });
        const out = outputSize({ width, height }, 'premium');
        // One factor gives both sides, each rounded.
        const least = Math.max((out.width - 0.5) / width, (out.height - 0.5) / height);
        const most = Math.min((out.width + 0.5) / width, (out.height + 0.5) / height);
        expect(least).toBeLessThanOrEqual(most);
        expect(out.width).toBeGreaterThanOrEqual(width);
        expect(out.height).toBeGreaterThanOrEqual(height);
        expect(Math.max(out.width, out.height)).toBeLessThanOrEqual(16_383);
        const limit = Math.max(24_000_000, width * height);
        expect(out.width * out.height).toBeLessThanOrEqual(limit + out.width + out.height);
      }),
    );
  });

  it('doubles what is small and makes larger by half what is not', () => {
    expect(outputSize({ width: 1_000, height: 500 }, 'premium')).toEqual({ width: 2_000, height: 1_000 });
    expect(outputSize({ width: 3_088, height: 2_056 }, 'premium')).toEqual({ width: 4_632, height: 3_084 });
    expect(outputSize({ width: 8_000, height: 6_000 }, 'premium')).toEqual({ width: 8_000, height: 6_000 });
  });
});

describe('being run', () => {
  it('tells its phases in order', async () => {
    const { phases } = await enhance(await jpeg(landscape(100, 80)));
    expect(phases.map(([, phase]) => phase)).toEqual([
      'reading',
      'measuring',
      'enhancing',
      'enhancing',
      'encoding',
    ]);
    expect(phases.map(([fraction]) => fraction)).toEqual([...phases.map(([fraction]) => fraction)].sort());
  });

  it('stops with its signal, in the middle too', async () => {
    const source = await jpeg(landscape(900, 700));
    const controller = new AbortController();
    const stop = new Error('stop');
    controller.abort(stop);
    await expect(enhance(source, { signal: controller.signal })).rejects.toBe(stop);
    const later = new AbortController();
    const going = enhance(source, { signal: later.signal });
    setImmediate(() => later.abort(stop));
    await expect(going).rejects.toBe(stop);
  });

  it('calls a broken file broken', async () => {
    const whole = await jpeg(landscape(300, 200));
    await expect(enhance(whole.subarray(0, whole.length / 2))).rejects.toMatchObject({
      code: 'image_corrupt',
      retryable: false,
    });
  });
});
