import { z } from 'zod';
import { task } from '../../engine/task.js';
import type { JobForm } from '../manifest.js';
import { tiers } from './adapters/model.js';
import type { Enhancer } from './enhancer.js';
import { type Images, prices } from './images.js';

export const enhanceTaskName = 'images.enhance';

export const enhanceInput = z.strictObject({
  asset_id: z.uuid().max(36).describe('An asset of the caller'),
  prompt: z.string().min(1).max(2_000).describe('What is wished; its words choose the style'),
  tier: z.enum(tiers).default('premium').describe('free keeps the size, premium makes the image larger'),
});

/** What `POST /jobs` takes as a form: the same fields as the input. */
export const enhanceForm: JobForm = Object.freeze({
  task: enhanceTaskName,
  schema: enhanceInput,
  toInput: (fields: Readonly<Record<string, unknown>>) => fields,
});

export function enhanceTask({ images, enhancer }: { images: Images; enhancer: Enhancer }) {
  return task({
    name: enhanceTaskName,
    queue: 'images',
    input: enhanceInput,
    maxAttempts: 4,
    timeoutMs: 300_000,
    open: {
      permission: 'jobs:write',
      price: ({ tier }) => prices[tier],
      admit: (tx, job) => images.admit(tx, job),
    },
    async run(_input, context) {
      const { enhancement, output } = await enhancer.run(context);
      return {
        asset_id: enhancement.assetId,
        style: enhancement.style,
        tier: enhancement.tier,
        output: {
          content_type: output.contentType,
          bytes: output.bytes,
          width: output.width,
          height: output.height,
        },
      };
    },
  });
}
