import { storageErrors } from './errors.js';

const maxKeyLength = 512;
const maxPartLength = 200;

/** Parts joined by `/`, each of `a-z 0-9 _ . -` and with no dot in front: neither `..` nor a hidden file is one. */
const keyPattern = /^[a-z0-9_-][a-z0-9_.-]*(?:\/[a-z0-9_-][a-z0-9_.-]*)*$/;
const prefixPattern = /^(?:[a-z0-9_-][a-z0-9_.-]*\/)*(?:[a-z0-9_-][a-z0-9_.-]*)?$/;

/** Keys are made by us, never taken from outside: a bad one is a fault of ours. @throws object_key_invalid */
export function assertKey(key: string): void {
  assertText(key, keyPattern);
}

/** The beginning of a key; may be empty, may end in `/`. @throws object_key_invalid */
export function assertPrefix(prefix: string): void {
  assertText(prefix, prefixPattern);
}

function assertText(text: string, pattern: RegExp): void {
  const longPart = text.split('/').some((part) => part.length > maxPartLength);
  if (text.length > maxKeyLength || longPart || !pattern.test(text)) {
    throw storageErrors.object_key_invalid(`${JSON.stringify(text.slice(0, 100))} is not a key.`);
  }
}
