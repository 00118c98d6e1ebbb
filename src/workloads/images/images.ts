import { createReadStream } from 'node:fs';
import type { Database } from '../../database/database.js';
import type { Queryable } from '../../database/queryable.js';
import type { Job } from '../../engine/job.js';
import type { Caller } from '../../engine/task.js';
import { isSignalboxError, messageOf } from '../../foundation/errors.js';
import { newId } from '../../foundation/ids.js';
import type { Logger } from '../../foundation/logger.js';
import type { ScratchFolder } from '../../storage/local/scratch-folder.js';
import type { ObjectStore } from '../../storage/object-store.js';
import type { ImageInspector } from './adapters/inspector.js';
import type { Tier } from './adapters/model.js';
import { imageErrors } from './errors.js';
import { formatOf } from './formats.js';
import type { Asset, Enhancement, Output } from './records.js';
import * as store from './store.js';
import { styleOf } from './style.js';
import { receiveUpload, type UploadPart } from './upload.js';

export interface ImagesDeps {
  readonly database: Database;
  readonly uploads: ObjectStore;
  readonly inspector: ImageInspector;
  readonly scratch: ScratchFolder;
  readonly jobs: { get(id: string): Promise<Job> };
  readonly maxUploadBytes: number;
}

export interface EnhanceInput {
  readonly asset_id: string;
  readonly prompt: string;
  readonly tier: Tier;
}

/** Whole credits that one enhancement costs. */
export const prices: Readonly<Record<Tier, number>> = Object.freeze({ free: 1, premium: 2 });

/** An upload whose process died is taken back after this long. */
const unfinishedSeconds = 3_600;

/**
 * Assets, and what is asked of them. `owner` in questions limits the answer to one owner's; undefined is for those
 * who may see everybody's. What belongs to somebody else is answered like what is not there.
 */
export class Images {
  readonly #deps: ImagesDeps;

  constructor(deps: ImagesDeps) {
    this.#deps = deps;
  }

  /**
   * Takes an image in. Nothing of it remains when it is refused.
   * @throws fields_invalid, asset_name_invalid, asset_too_large, asset_empty, asset_type_unsupported,
   * image_too_many_pixels, image_corrupt, storage_unavailable
   */
  async upload(
    owner: string,
    parts: AsyncIterable<UploadPart>,
    { signal, logger }: { readonly signal: AbortSignal; readonly logger: Logger },
  ): Promise<Asset> {
    const { scratch, inspector, maxUploadBytes } = this.#deps;
    return scratch.use(async (folder) => {
      const received = await receiveUpload(parts, { folder, maxBytes: maxUploadBytes, signal });
      const inspected = await inspector.inspect(received.path, signal);
      const id = newId();
      const asset = {
        id,
        owner,
        filename: received.filename,
        ...inspected,
        bytes: received.bytes,
        sha256: received.sha256,
        objectKey: `assets/${id}/original.${formatOf(inspected.contentType).extension}`,
      };
      return this.#keep(asset, received.path, { signal, logger });
    });
  }

  /** @throws asset_not_found */
  async asset(id: string, owner: string | undefined): Promise<Asset> {
    const asset = await store.findAsset(this.#deps.database, id, owner);
    if (asset === undefined) throw assetNotFound(id);
    return asset;
  }

  /** Newest first. */
  async assets(filter: {
    owner: string | undefined;
    before: string | undefined;
    limit: number;
  }): Promise<Asset[]> {
    return store.listAssets(this.#deps.database, filter);
  }

  /** Admits an enhancement in the transaction that enqueues its job. @throws asset_not_found naming `asset_id` */
  async admit(tx: Queryable, job: { id: string; input: EnhanceInput; caller: Caller }): Promise<void> {
    const { asset_id: assetId, prompt, tier } = job.input;
    const owner = job.caller.permissions.has('jobs:all') ? undefined : job.caller.id;
    if ((await store.findAsset(tx, assetId, owner)) === undefined) throw assetNotFound(assetId);
    await store.insertEnhancement(tx, {
      id: job.id,
      assetId,
      owner: job.caller.id,
      tier,
      prompt,
      style: styleOf(prompt),
      price: prices[tier],
    });
  }

  async enhancements(ids: readonly string[]): Promise<Enhancement[]> {
    return store.findEnhancements(this.#deps.database, ids);
  }

  /**
   * What a job delivered, and what it was made of.
   * @throws output_not_found; output_not_ready until the job has succeeded
   */
  async output(jobId: string, owner: string | undefined): Promise<{ output: Output; asset: Asset }> {
    const enhancement = await store.findEnhancement(this.#deps.database, jobId);
    if (enhancement === undefined || (owner !== undefined && enhancement.owner !== owner)) {
      throw outputNotFound(jobId);
    }
    const { status } = await this.#job(jobId);
    if (status !== 'succeeded' || enhancement.output === undefined) {
      throw imageErrors.output_not_ready(
        `Job ${jobId} is ${status}; there is an output once it has succeeded.`,
      );
    }
    return { output: enhancement.output, asset: await this.asset(enhancement.assetId, undefined) };
  }

  /** Takes back uploads that a dead process left between row and object. @returns how many */
  async sweep(): Promise<number> {
    const unfinished = await store.listUnstoredAssets(this.#deps.database, unfinishedSeconds);
    for (const { id, objectKey } of unfinished) await this.#takeBack(id, objectKey);
    return unfinished.length;
  }

  /** The row comes first, so that no object is ever without one that tells of it. */
  async #keep(
    asset: Omit<Asset, 'createdAt'>,
    path: string,
    { signal, logger }: { readonly signal: AbortSignal; readonly logger: Logger },
  ): Promise<Asset> {
    const { database, uploads } = this.#deps;
    const { id, objectKey, contentType } = asset;
    await store.insertAsset(database, asset);
    try {
      await uploads.put(objectKey, createReadStream(path), { contentType, signal });
      const stored = await store.markAssetStored(database, id);
      if (stored !== undefined) return stored;
      throw assetNotFound(id);
    } catch (error) {
      await this.#takeBack(id, objectKey).catch((again: unknown) => {
        logger.warn({ asset_id: id, error: messageOf(again) }, 'a failed upload could not be taken back yet');
      });
      throw error;
    }
  }

  async #takeBack(id: string, objectKey: string): Promise<void> {
    const { database, uploads } = this.#deps;
    // Row last: while it is there, the object is not forgotten. An asset that came to be stored after all stays.
    if ((await store.findAsset(database, id, undefined)) !== undefined) return;
    await uploads.delete(objectKey);
    await store.deleteUnstoredAsset(database, id);
  }

  async #job(id: string): Promise<Job> {
    try {
      return await this.#deps.jobs.get(id);
    } catch (error) {
      if (isSignalboxError(error, 'job_not_found')) throw outputNotFound(id);
      throw error;
    }
  }
}

function assetNotFound(id: string) {
  return imageErrors.asset_not_found(`There is no asset ${id}.`, {
    fields: [{ field: 'asset_id', message: 'is not an asset of yours' }],
  });
}

function outputNotFound(jobId: string) {
  return imageErrors.output_not_found(`There is no output of a job ${jobId}.`);
}
