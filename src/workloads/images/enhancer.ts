import { createReadStream } from 'node:fs';
import { join } from 'node:path';
import type { Database } from '../../database/database.js';
import type { TaskContext } from '../../engine/task.js';
import { messageOf } from '../../foundation/errors.js';
import type { ScratchFolder } from '../../storage/local/scratch-folder.js';
import { writeNewFile } from '../../storage/local/write-file.js';
import type { ObjectStore } from '../../storage/object-store.js';
import type { ImageInspector, OutputFacts } from './adapters/inspector.js';
import type { EnhanceResult, ImageModel } from './adapters/model.js';
import { imageErrors } from './errors.js';
import { formatOf } from './formats.js';
import type { Asset, Enhancement, Output } from './records.js';
import * as store from './store.js';

export interface EnhancerDeps {
  readonly database: Database;
  readonly uploads: ObjectStore;
  readonly outputs: ObjectStore;
  readonly inspector: ImageInspector;
  readonly model: ImageModel;
  readonly scratch: ScratchFolder;
}

/** Where the phases of one enhancement lie between 0 and 1. */
const phases = { reading: 0.02, model: 0.06, verifying: 0.88, storing: 0.94 } as const;

/** Encoding the same picture once more differs by less: a third of a level of 255. */
const leastDifference = 0.0013;

/** Does the work of one enhancement, from the stored original to the recorded output. Originals are kept. */
export class Enhancer {
  readonly #deps: EnhancerDeps;

  constructor(deps: EnhancerDeps) {
    this.#deps = deps;
  }

  /**
   * Any number of attempts give one output: the first that records its own wins, what others stored is removed.
   * @throws enhancement_not_found, image_corrupt, image_output_invalid, image_unchanged, storage_unavailable …
   */
  async run(context: TaskContext): Promise<{ enhancement: Enhancement; output: Output }> {
    const enhancement = await this.#find(context.job.id);
    // An earlier attempt delivered and died before it could say so.
    if (enhancement.output !== undefined) return { enhancement, output: enhancement.output };
    const asset = await store.findAsset(this.#deps.database, enhancement.assetId, undefined);
    if (asset === undefined) throw imageErrors.asset_not_found(`There is no asset ${enhancement.assetId}.`);
    const output = await this.#deps.scratch.use((folder) => this.#work(enhancement, asset, folder, context));
    return { enhancement, output };
  }

  async #find(id: string): Promise<Enhancement> {
    const enhancement = await store.findEnhancement(this.#deps.database, id);
    if (enhancement !== undefined) return enhancement;
    throw imageErrors.enhancement_not_found(
      `Job ${id} was not admitted: enqueue enhancements through POST /jobs, which checks and records the asset.`,
    );
  }

  async #work(enhancement: Enhancement, asset: Asset, folder: string, context: TaskContext): Promise<Output> {
    const { model, inspector } = this.#deps;
    const { signal } = context;
    const { extension } = formatOf(asset.contentType);
    const source = join(folder, `source.${extension}`);
    const target = join(folder, `target.${extension}`);
    context.progress(phases.reading, 'reading');
    await this.#fetch(asset, source, signal);
    const { prompt, style, tier } = enhancement;
    const promised = await model.enhance(
      { source, target, contentType: asset.contentType, prompt, style, tier },
      {
        signal,
        progress: (fraction, phase) =>
          context.progress(phases.model + fraction * (phases.verifying - phases.model), phase),
        log: (...line) => context.log(...line),
      },
    );
    context.progress(phases.verifying, 'verifying');
    const facts = await inspector.compare(target, source, signal);
    assertDelivered(facts, promised, asset);
    context.progress(phases.storing, 'storing');
    const output = await this.#store(enhancement, facts, target, context);
    context.progress(1, 'done');
    context.log('info', 'delivered', {
      style,
      tier,
      width: output.width,
      height: output.height,
      bytes: output.bytes,
      difference: Math.round(facts.difference * 10_000) / 10_000,
    });
    return output;
  }

  /** Brings the original to where the model can read it, and proves that it is still what was uploaded. */
  async #fetch(asset: Asset, path: string, signal: AbortSignal): Promise<void> {
    const { stream } = await this.#deps.uploads.open(asset.objectKey);
    const { sha256 } = await writeNewFile(path, stream, { signal, durable: false });
    if (sha256 === asset.sha256) return;
    throw imageErrors.image_corrupt(`The stored original of asset ${asset.id} is not what was uploaded.`);
  }

  async #store(
    { id }: Enhancement,
    { contentType, width, height }: OutputFacts,
    path: string,
    context: TaskContext,
  ): Promise<Output> {
    const { job, signal } = context;
    const { database, outputs } = this.#deps;
    const folder = `enhancements/${id}/`;
    const key = `${folder}${job.attempt}.${formatOf(contentType).extension}`;
    const { bytes, sha256 } = await outputs.put(key, createReadStream(path), { contentType, signal });
    const output: Output = { key, contentType, bytes, width, height, sha256 };
    if (signal.aborted) await this.#drop(key, context);
    signal.throwIfAborted();
    // When this fails the object stays: whether it was recorded is not known. The next attempt finds out.
    const won = await store.recordOutput(database, id, output);
    const recorded = won ? output : (await this.#find(id)).output;
    if (recorded === undefined) throw imageErrors.enhancement_not_found(`The enhancement ${id} is gone.`);
    for await (const other of outputs.list(folder))
      if (other.key !== recorded.key) await this.#drop(other.key, context);
    return recorded;
  }

  /** A leftover costs room and nothing else: the job does not fail by it. */
  async #drop(key: string, context: TaskContext): Promise<void> {
    try {
      await this.#deps.outputs.delete(key);
    } catch (error) {
      context.log('warn', 'a lost output could not be removed', { key, error: messageOf(error) });
    }
  }
}

/** Success is an outcome that was looked at, not a model that says so. */
function assertDelivered(facts: OutputFacts, promised: EnhanceResult, asset: Asset): void {
  const problems = [
    facts.contentType === asset.contentType ? '' : `it is ${facts.contentType}, not ${asset.contentType}`,
    facts.width === promised.width && facts.height === promised.height
      ? ''
      : `it has ${facts.width} x ${facts.height} pixels, not ${promised.width} x ${promised.height}`,
    facts.metadata.length === 0 ? '' : `it still carries ${facts.metadata.join(', ')}`,
  ].filter((problem) => problem !== '');
  if (problems.length > 0) {
    throw imageErrors.image_output_invalid(`The output was refused: ${problems.join('; ')}.`);
  }
  const resized = facts.width !== asset.width || facts.height !== asset.height;
  if (promised.changed && !resized && facts.difference < leastDifference) {
    throw imageErrors.image_unchanged('The output looks exactly like the original.');
  }
}
