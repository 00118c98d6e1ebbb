import type { Job } from '../../engine/job.js';
import type { Images } from './images.js';
import type { Enhancement } from './records.js';

/** What an enhancement adds to the JSON of its job. */
export async function presentEnhancements(
  images: Images,
  jobs: readonly Job[],
): Promise<ReadonlyMap<string, Readonly<Record<string, unknown>>>> {
  const statuses = new Map(jobs.map((job) => [job.id, job.status]));
  const enhancements = await images.enhancements([...statuses.keys()]);
  return new Map(enhancements.map((one) => [one.id, membersOf(one, statuses.get(one.id) === 'succeeded')]));
}

function membersOf({ id, assetId, prompt, tier, style, price, output }: Enhancement, done: boolean) {
  const delivered =
    done && output !== undefined
      ? {
          output_url: `/jobs/${id}/output`,
          output: {
            content_type: output.contentType,
            bytes: output.bytes,
            width: output.width,
            height: output.height,
          },
        }
      : {};
  return Object.freeze({ asset_id: assetId, prompt, tier, style, price, ...delivered });
}
