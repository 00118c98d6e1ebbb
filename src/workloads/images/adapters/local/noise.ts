import { lumaOf, type Raster } from './raster.js';

const block = 12;
const maxBlocks = 4_000;

/**
 * Standard deviation of the noise, in levels of 255. Read off the flattest tenth of the blocks, with a
 * filter that answers to neither slopes nor straight edges (Immerkær 1996), at the picture's full size:
 * a smaller copy has less noise.
 */
export function measureNoise(raster: Raster): number {
  const { width, height } = raster;
  const columns = Math.floor((width - 2) / block);
  const rows = Math.floor((height - 2) / block);
  const total = columns * rows;
  if (total < 1) return 0;
  const step = Math.max(1, Math.floor(total / maxBlocks));
  const found: number[] = [];
  for (let index = 0; index < total; index += step) {
    const x = 1 + (index % columns) * block;
    const y = 1 + Math.floor(index / columns) * block;
    const sigma = blockNoise(raster, x, y);
    if (sigma !== undefined) found.push(sigma);
  }
  if (found.length === 0) return 0;
  found.sort((a, b) => a - b);
  return found[Math.floor(found.length * 0.1)] as number;
}

/** `undefined` where black or white is clipped: there the noise is cut off. */
function blockNoise(raster: Raster, x0: number, y0: number): number | undefined {
  const luma = (x: number, y: number): number => {
    const at = (y * raster.width + x) * raster.channels;
    return lumaOf(raster.data[at] as number, raster.data[at + 1] as number, raster.data[at + 2] as number);
  };
  let sum = 0;
  for (let y = y0; y < y0 + block; y += 1) {
    for (let x = x0; x < x0 + block; x += 1) {
      const centre = luma(x, y);
      if (centre < 4 || centre > 251) return undefined;
      const sides = luma(x - 1, y) + luma(x + 1, y) + luma(x, y - 1) + luma(x, y + 1);
      const corners = luma(x - 1, y - 1) + luma(x + 1, y - 1) + luma(x - 1, y + 1) + luma(x + 1, y + 1);
      sum += Math.abs(corners - 2 * sides + 4 * centre);
    }
  }
  return (Math.sqrt(Math.PI / 2) * sum) / (6 * block * block);
}
