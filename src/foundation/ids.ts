import { v7, validate, version } from 'uuid';

/** A new UUIDv7: unique, and sorted by the time of its making. */
export function newId(): string {
  return v7();
}

export function isId(text: string): boolean {
  return validate(text) && version(text) === 7;
}
