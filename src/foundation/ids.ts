import { randomBytes, randomFillSync } from 'node:crypto';
import { validate, version } from 'uuid';

const hex = Array.from({ length: 256 }, (_unused, byte) => byte.toString(16).padStart(2, '0'));
const pool = new Uint8Array(4_096);
let used = pool.length;
let lastMs = 0;
let counter = 0;
let prefix = '';

/**
 * A new UUIDv7: unique, and sorted by the time of its making, within a process strictly.
 * Made here because it stands on the path of every job: the `uuid` package takes eight times as long.
 */
export function newId(): string {
  if (used === pool.length) {
    randomFillSync(pool);
    used = 0;
  }
  const now = Date.now();
  if (now > lastMs) {
    startAt(now);
  } else if (++counter > 0xfff) {
    // More than 4,096 in a millisecond, or a clock set back: the time runs ahead rather than backwards.
    startAt(lastMs + 1);
  }
  const at = used;
  used += 8;
  return `${prefix}${hex[0x70 | (counter >> 8)]}${hex[counter & 0xff]}-${byte(at, 0x3f, 0x80)}${byte(at + 1)}-${byte(at + 2)}${byte(at + 3)}${byte(at + 4)}${byte(at + 5)}${byte(at + 6)}${byte(at + 7)}`;
}

function startAt(ms: number): void {
  lastMs = ms;
  counter = 0;
  const time = ms.toString(16).padStart(12, '0');
  prefix = `${time.slice(0, 8)}-${time.slice(8)}-`;
}

function byte(index: number, mask = 0xff, set = 0): string {
  return hex[((pool[index] ?? 0) & mask) | set] ?? '00';
}

/** Random digits for ids that others define. @param bytes each gives two hexadecimal digits */
export function randomHex(bytes: number): string {
  return randomBytes(bytes).toString('hex');
}

export function isId(text: string): boolean {
  return validate(text) && version(text) === 7;
}
