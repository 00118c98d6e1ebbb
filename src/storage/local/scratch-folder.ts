import { mkdir, readdir, rm, stat } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { newId } from '../../foundation/ids.js';
import { isAbsent, onDisk } from './fault.js';

export interface ScratchFolderOptions {
  readonly root: string;
  /** What nobody has written to for so long is left over from a crash. Milliseconds. @default one hour */
  readonly staleMs?: number;
}

/**
 * A place for files that one piece of work needs while it runs. Each gets a folder of its own, which is gone when
 * the work ends, however it ends. The first use sweeps what crashed processes left.
 */
export class ScratchFolder {
  readonly #root: string;
  readonly #staleMs: number;
  #swept: Promise<number> | undefined;

  constructor(options: ScratchFolderOptions) {
    this.#root = resolve(options.root);
    this.#staleMs = options.staleMs ?? 3_600_000;
  }

  /** @throws storage_unavailable when there is no place, and whatever `work` throws */
  async use<T>(work: (folder: string) => Promise<T>): Promise<T> {
    await this.#sweepOnce();
    const folder = join(this.#root, newId());
    await onDisk(() => mkdir(folder, { recursive: true, mode: 0o700 }));
    try {
      return await work(folder);
    } finally {
      // The work's own outcome counts; what cannot be removed now is stale soon, and then swept.
      await rm(folder, { recursive: true, force: true }).catch(() => undefined);
    }
  }

  /** Removes stale folders. @returns how many */
  async sweep(): Promise<number> {
    return onDisk(async () => {
      const names = await readdir(this.#root).catch((error: unknown) => {
        if (isAbsent(error)) return [];
        throw error;
      });
      let removed = 0;
      for (const name of names) if (await this.#removeIfStale(join(this.#root, name))) removed += 1;
      return removed;
    });
  }

  async #sweepOnce(): Promise<void> {
    this.#swept ??= this.sweep();
    try {
      await this.#swept;
    } catch (error) {
      this.#swept = undefined;
      throw error;
    }
  }

  async #removeIfStale(folder: string): Promise<boolean> {
    const newest = await lastTouched(folder);
    if (newest === undefined || Date.now() - newest < this.#staleMs) return false;
    await rm(folder, { recursive: true, force: true });
    return true;
  }
}

/** Milliseconds since the epoch, of the folder and the files in it; `undefined` when it is gone meanwhile. */
async function lastTouched(folder: string): Promise<number | undefined> {
  try {
    const own = await stat(folder);
    const files = own.isDirectory() ? await readdir(folder) : [];
    const inner = await Promise.all(files.map(async (name) => (await stat(join(folder, name))).mtimeMs));
    return Math.max(own.mtimeMs, ...inner);
  } catch (error) {
    if (isAbsent(error)) return undefined;
    throw error;
  }
}
