import { constants, type Stats } from 'node:fs';
import { type FileHandle, lstat, open, readdir, readFile, rename, unlink } from 'node:fs/promises';
import { dirname, join, resolve } from 'node:path';
import { Readable } from 'node:stream';
import { newId } from '../../foundation/ids.js';
import { storageErrors } from '../errors.js';
import { assertKey, assertPrefix } from '../key.js';
import type {
  ByteRange,
  ObjectInfo,
  ObjectStore,
  OpenedObject,
  PutOptions,
  StoredObject,
} from '../object-store.js';
import { errnoOf, isAbsent, onDisk } from './fault.js';
import { makeFolders, placeOf, syncFolder } from './place.js';
import { ScratchFolder } from './scratch-folder.js';
import { writeNewFile } from './write-file.js';

/** Name of the folder of unfinished files; no key can begin with a dot. */
const unfinished = '.unfinished';

export interface LocalObjectStoreOptions {
  /** Folder of the objects. It is made when the first one is written. */
  readonly root: string;
}

/**
 * Objects as files below one folder. An object is written to a file of its own, brought to the disk and then
 * renamed, so a crash leaves no half object; what it leaves otherwise, the next process sweeps. Content
 * types are not kept. Processes may share the folder.
 */
export class LocalObjectStore implements ObjectStore {
  readonly #root: string;
  readonly #unfinished: ScratchFolder;

  constructor(options: LocalObjectStoreOptions) {
    this.#root = resolve(options.root);
    this.#unfinished = new ScratchFolder({ root: join(this.#root, unfinished) });
  }

  async put(
    key: string,
    source: AsyncIterable<Uint8Array>,
    { maxBytes, signal }: PutOptions,
  ): Promise<StoredObject> {
    assertKey(key);
    const path = await placeOf(this.#root, key);
    return this.#unfinished.use(async (folder) => {
      const draft = join(folder, newId());
      const written = await writeNewFile(draft, source, { maxBytes, signal });
      await makeFolders(this.#root, path);
      // Asked again: the folders are there now, and none of them may be a link.
      await placeOf(this.#root, key);
      await onDisk(async () => {
        await rename(draft, path);
        await syncFolder(dirname(path));
      });
      return Object.freeze({ key, ...written });
    });
  }

  async open(key: string, range?: ByteRange): Promise<OpenedObject> {
    const file = await this.#openFile(key);
    try {
      const { size: total } = await onDisk(() => file.stat());
      if (range !== undefined && !(range.first >= 0 && range.first <= range.last && range.last < total)) {
        throw storageErrors.object_range_invalid(`Bytes ${range.first} to ${range.last} of ${total}.`);
      }
      const bytes = range === undefined ? total : range.last - range.first + 1;
      return { stream: streamOf(file, range ?? { first: 0, last: total - 1 }), bytes, total };
    } catch (error) {
      await file.close();
      throw error;
    }
  }

  async head(key: string): Promise<ObjectInfo | undefined> {
    assertKey(key);
    const stats = await this.#statsAt(await placeOf(this.#root, key));
    return stats?.isFile() ? infoOf(key, stats) : undefined;
  }

  async delete(key: string): Promise<void> {
    assertKey(key);
    const path = await placeOf(this.#root, key);
    await onDisk(async () => {
      try {
        await unlink(path);
        await syncFolder(dirname(path));
      } catch (error) {
        if (!isAbsent(error)) throw error;
      }
    });
  }

  async *list(prefix: string): AsyncGenerator<ObjectInfo> {
    assertPrefix(prefix);
    const folder = prefix.split('/').slice(0, -1).join('/');
    if (folder !== '') await placeOf(this.#root, `${folder}/any`);
    for await (const info of this.#walk(folder)) if (info.key.startsWith(prefix)) yield info;
  }

  /** Without waiting for the disk: on a busy one that takes longer than anybody waits for a health check. */
  async check(signal?: AbortSignal): Promise<void> {
    const text = newId();
    await this.#unfinished.use(async (folder) => {
      const path = join(folder, 'check');
      await writeNewFile(path, Readable.from([Buffer.from(text)]), { signal, durable: false });
      if ((await onDisk(() => readFile(path, 'utf8'))) === text) return;
      throw storageErrors.storage_unavailable('The folder gave back other bytes than it took.');
    });
  }

  async #openFile(key: string): Promise<FileHandle> {
    assertKey(key);
    const path = await placeOf(this.#root, key);
    return onDisk(async () => {
      try {
        const file = await open(path, constants.O_RDONLY | constants.O_NOFOLLOW);
        if ((await file.stat()).isFile()) return file;
        await file.close();
      } catch (error) {
        // ELOOP: a link at the very end.
        if (!isAbsent(error) && errnoOf(error) !== 'ELOOP') throw error;
      }
      throw storageErrors.object_not_found(`There is no object ${key}.`);
    });
  }

  async #statsAt(path: string): Promise<Stats | undefined> {
    return onDisk(async () => {
      try {
        return await lstat(path);
      } catch (error) {
        if (isAbsent(error)) return undefined;
        throw error;
      }
    });
  }

  async *#walk(folder: string): AsyncGenerator<ObjectInfo> {
    const entries = await onDisk(async () => {
      try {
        return await readdir(join(this.#root, folder), { withFileTypes: true });
      } catch (error) {
        if (isAbsent(error)) return [];
        throw error;
      }
    });
    for (const entry of entries.filter(({ name }) => !name.startsWith('.'))) {
      const key = folder === '' ? entry.name : `${folder}/${entry.name}`;
      if (entry.isDirectory()) yield* this.#walk(key);
      if (!entry.isFile()) continue;
      const stats = await this.#statsAt(join(this.#root, key));
      if (stats !== undefined) yield infoOf(key, stats);
    }
  }
}

function streamOf(file: FileHandle, { first, last }: ByteRange): Readable {
  // An empty file has no last byte, and an end before the start is refused.
  return file.createReadStream({ start: first, end: Math.max(first, last) });
}

function infoOf(key: string, stats: Stats): ObjectInfo {
  return Object.freeze({ key, bytes: stats.size, modifiedAt: stats.mtime });
}
