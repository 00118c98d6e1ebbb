import type { LogLevel } from '../../../engine/job.js';
import type { ImageContentType } from '../formats.js';
import type { Style } from '../style.js';

export const tiers = ['free', 'premium'] as const;
export type Tier = (typeof tiers)[number];

export interface EnhanceRequest {
  /** A file that was accepted as an asset. The model must not change it. */
  readonly source: string;
  /** Where the enhanced image goes: a path at which nothing is, on the same file system. */
  readonly target: string;
  /** Of both files. */
  readonly contentType: ImageContentType;
  readonly prompt: string;
  readonly style: Style;
  readonly tier: Tier;
}

export interface EnhanceContext {
  readonly signal: AbortSignal;
  /** `fraction` of the model's own part, 0 to 1. */
  progress(fraction: number, phase: string): void;
  log(level: LogLevel, message: string, data?: Readonly<Record<string, unknown>>): void;
}

/** What the caller holds the output to. */
export interface EnhanceResult {
  readonly width: number;
  readonly height: number;
  /** False when the model found nothing to put right, and so an output that looks the same is right. */
  readonly changed: boolean;
}

/** Something that makes a better image out of an image. */
export interface ImageModel {
  readonly name: string;
  /** @throws image_corrupt, image_timeout, image_model_unavailable, the signal's reason */
  enhance(request: EnhanceRequest, context: EnhanceContext): Promise<EnhanceResult>;
}
