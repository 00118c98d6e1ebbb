import type { Tier } from './adapters/model.js';
import type { ImageContentType } from './formats.js';
import type { Style } from './style.js';

/** An uploaded image, as it was received. */
export interface Asset {
  readonly id: string;
  readonly owner: string;
  /** As the caller called it; for people only. */
  readonly filename: string;
  readonly contentType: ImageContentType;
  readonly bytes: number;
  /** As it is seen, with its orientation applied. */
  readonly width: number;
  readonly height: number;
  readonly sha256: string;
  readonly objectKey: string;
  readonly createdAt: Date;
}

/** What a job delivered. */
export interface Output {
  readonly key: string;
  readonly contentType: ImageContentType;
  readonly bytes: number;
  readonly width: number;
  readonly height: number;
  readonly sha256: string;
}

/** What an enhancement job is about; its id is the job's. */
export interface Enhancement {
  readonly id: string;
  readonly assetId: string;
  readonly owner: string;
  readonly tier: Tier;
  readonly prompt: string;
  readonly style: Style;
  /** Whole credits. */
  readonly price: number;
  readonly output: Output | undefined;
}
