import { expect, it, vi } from 'vitest';
import { loadSharp } from './library.js';

vi.mock('sharp', () => {
  throw new Error('no native part for this machine');
});

it('says what is missing and how to get it, each time it is asked', async () => {
  for (let n = 0; n < 2; n += 1) {
    await expect(loadSharp()).rejects.toMatchObject({
      code: 'image_model_unavailable',
      status: 503,
      message: expect.stringContaining('npm install sharp'),
    });
  }
});
