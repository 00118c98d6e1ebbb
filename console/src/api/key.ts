const storageKey = 'signalbox.api-key';

let inMemory: string | null = null;

/** The API key of this tab; it goes when the tab is closed. */
export function readKey(): string | null {
  try {
    return sessionStorage.getItem(storageKey) ?? inMemory;
  } catch {
    return inMemory;
  }
}

/** Keeps the key, or forgets it (`null`). Without storage it lasts until the page is reloaded. */
export function writeKey(key: string | null): void {
  inMemory = key;
  try {
    if (key === null) sessionStorage.removeItem(storageKey);
    else sessionStorage.setItem(storageKey, key);
  } catch {
    // Storage is forbidden or full: the copy in memory serves this page.
  }
}

/** A header takes printable ASCII without spaces; anything else would make every request throw. */
export function isSendableKey(key: string): boolean {
  return /^[\x21-\x7e]{1,512}$/.test(key);
}
