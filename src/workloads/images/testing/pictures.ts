import sharp, { type Sharp } from 'sharp';

/** Camera data that an output must not carry: a place, an author, a thumbnail's worth of text. */
export const cameraExif = {
  IFD0: { Make: 'Camera', Artist: 'Somebody' },
  IFD3: {
    GPSLatitudeRef: 'N',
    GPSLatitude: '51/1 30/1 0/1',
    GPSLongitudeRef: 'W',
    GPSLongitude: '0/1 7/1 0/1',
  },
};

/** A landscape of hills below a sky, with detail, between the given brightnesses (0 to 255). */
export function landscape(
  width: number,
  height: number,
  options: { dark?: number; bright?: number; tint?: Rgb; noise?: number } = {},
): Sharp {
  const { dark = 0, bright = 255, tint = [1, 1, 1], noise = 0 } = options;
  const data = Buffer.alloc(width * height * 3);
  let state = 1;
  const random = () => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return state / 4_294_967_296 - 0.5;
  };
  for (let y = 0; y < height; y += 1) {
    for (let x = 0; x < width; x += 1) {
      const horizon = height * (0.45 + 0.1 * Math.sin((x / width) * 9));
      const sky = y < horizon;
      const texture = 0.16 * Math.sin(x * 0.7) * Math.sin(y * 0.9);
      const level = sky
        ? 0.72 + 0.28 * (1 - y / horizon)
        : 0.5 * (1 - (y - horizon) / (height - horizon)) + texture;
      const colour = sky ? [1, 1, 1] : [0.8, 1.05, 0.6];
      const grain = noise * (random() + random() + random()) * 2;
      for (let channel = 0; channel < 3; channel += 1) {
        const light = Math.min(1, Math.max(0, level)) * (colour[channel] as number);
        const value = dark + (bright - dark) * light * (tint[channel] as number) + grain;
        data[(y * width + x) * 3 + channel] = Math.min(255, Math.max(0, Math.round(value)));
      }
    }
  }
  return sharp(data, { raw: { width, height, channels: 3 } });
}

export const red = { r: 200, g: 40, b: 40 };
export const green = { r: 40, g: 180, b: 40 };
export const blue = { r: 40, g: 60, b: 200 };
export const white = { r: 235, g: 235, b: 235 };

/** Four coloured fields: red and green above, blue and white below. */
export function quarters(width: number, height: number): Sharp {
  const half = (background: object, left: number, top: number) => ({
    input: { create: { width: width / 2, height: height / 2, channels: 3 as const, background } },
    left,
    top,
  });
  return sharp({ create: { width, height, channels: 3, background: red } }).composite([
    half(green, width / 2, 0),
    half(blue, 0, height / 2),
    half(white, width / 2, height / 2),
  ]);
}

export type Rgb = readonly [number, number, number];

/** The mean colour of the whole, or of one part of it in fractions. */
export async function meanColour(
  image: Buffer | string,
  part: readonly [x: number, y: number, width: number, height: number] = [0, 0, 1, 1],
): Promise<Rgb> {
  const { width, height } = await sharp(image).metadata();
  const [x, y, w, h] = part;
  const { data } = await sharp(image)
    .extract({
      left: Math.round(x * width),
      top: Math.round(y * height),
      width: Math.max(1, Math.round(w * width)),
      height: Math.max(1, Math.round(h * height)),
    })
    .removeAlpha()
    .toColourspace('srgb')
    .resize(1, 1, { fit: 'fill', kernel: 'mitchell' })
    .raw()
    .toBuffer({ resolveWithObject: true });
  return [data[0] as number, data[1] as number, data[2] as number];
}
