import exifReader from 'exif-reader';
import type { SharpConstructor } from 'sharp';

/** What a visitor would check: it opens, it has the right type, it is another picture, and the place is gone. */
export async function compare(original: Buffer, output: Buffer, type: string): Promise<string> {
  const { default: sharp } = await import('sharp');
  const before = await sharp(original).metadata();
  const after = await sharp(output).metadata();
  if (!hasLocation(before.exif))
    throw new Error('the original carries no EXIF location, so nothing would be proven');
  if (after.format !== 'jpeg' || !type.startsWith('image/jpeg')) {
    throw new Error(`expected a JPEG, got ${after.format} as ${type}`);
  }
  if (hasLocation(after.exif)) throw new Error('the EXIF location is still in the output');
  const difference = await meanDifference(sharp, original, output);
  if (difference < 1)
    throw new Error(`the output hardly differs from the original (${difference.toFixed(2)} of 255)`);
  return `it decodes as JPEG, ${after.width} × ${after.height} pixels; it differs by ${difference.toFixed(1)} of 255 on average; the EXIF location is gone`;
}

function hasLocation(exif: Buffer | undefined): boolean {
  return exif !== undefined && Object.keys(exifReader(exif).GPSInfo ?? {}).length > 0;
}

/** Mean absolute difference of both pictures at one small size, 0 to 255. */
async function meanDifference(sharp: SharpConstructor, a: Buffer, b: Buffer): Promise<number> {
  const small = (image: Buffer) =>
    sharp(image)
      .rotate()
      .resize(256, 256, { fit: 'fill' })
      .removeAlpha()
      .toColourspace('srgb')
      .raw()
      .toBuffer();
  const [left, right] = await Promise.all([small(a), small(b)]);
  let sum = 0;
  for (let n = 0; n < left.length; n += 1) sum += Math.abs((left[n] ?? 0) - (right[n] ?? 0));
  return sum / left.length;
}
