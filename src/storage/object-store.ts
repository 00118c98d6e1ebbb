import type { Readable } from 'node:stream';

export interface PutOptions {
  /** Kept by stores that can; whoever needs it back for sure keeps it himself. */
  readonly contentType: string;
  /** Most bytes that are taken. */
  readonly maxBytes?: number;
  readonly signal?: AbortSignal;
}

export interface StoredObject {
  readonly key: string;
  readonly bytes: number;
  /** Lower-case hexadecimal. */
  readonly sha256: string;
}

export interface ObjectInfo {
  readonly key: string;
  readonly bytes: number;
  readonly modifiedAt: Date;
  readonly contentType?: string;
}

/** Both ends are part of it: `{ first: 0, last: 0 }` is one byte. */
export interface ByteRange {
  readonly first: number;
  readonly last: number;
}

export interface OpenedObject {
  /** The bytes of the range, or all. Whoever opened it reads it to the end or destroys it. */
  readonly stream: Readable;
  /** How many bytes `stream` gives. */
  readonly bytes: number;
  /** Size of the whole object. */
  readonly total: number;
  readonly contentType?: string;
}

/**
 * Named byte sequences: a local folder, or a bucket. An object is there wholly or not at all, and whoever
 * reads one goes on reading the same bytes when it is replaced or deleted meanwhile, or gets an error.
 * Every method throws object_key_invalid for a key that `assertKey` refuses, and storage_unavailable when
 * the store itself is at fault.
 */
export interface ObjectStore {
  /**
   * Writes an object, or replaces it. Durable when it resolves; when it rejects nothing has changed.
   * An error of `source` is passed on as it is.
   * @throws object_too_large as soon as `source` has given more than `maxBytes`; the signal's reason
   */
  put(key: string, source: AsyncIterable<Uint8Array>, options: PutOptions): Promise<StoredObject>;
  /** @throws object_not_found, object_range_invalid */
  open(key: string, range?: ByteRange): Promise<OpenedObject>;
  /** `undefined` when there is no such object. */
  head(key: string): Promise<ObjectInfo | undefined>;
  /** Also when it is not there. */
  delete(key: string): Promise<void>;
  /** Every object whose key begins with `prefix`, in no order. */
  list(prefix: string): AsyncIterable<ObjectInfo>;
  /** Proves that the store takes bytes, gives them back and forgets them. @throws storage_unavailable */
  check(signal?: AbortSignal): Promise<void>;
}
