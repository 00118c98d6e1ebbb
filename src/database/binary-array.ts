/**
 * PostgreSQL's binary form of one-dimensional arrays, as statement parameters: the server copies it where it would
 * have to parse text. Worth it where arrays have hundreds of elements.
 */

const headerBytes = 20;

/** Type numbers of PostgreSQL's catalogue; they never change. */
const oid = { bool: 16, int8: 20, int2: 21, int4: 23, text: 25, float8: 701, uuid: 2950 } as const;

function start(type: number, length: number, bytes: number): Buffer {
  const buffer = Buffer.allocUnsafe(headerBytes + bytes);
  buffer.writeInt32BE(1, 0);
  buffer.writeInt32BE(1, 4);
  buffer.writeInt32BE(type, 8);
  buffer.writeInt32BE(length, 12);
  buffer.writeInt32BE(1, 16);
  return buffer;
}

function fixed<T>(
  type: number,
  width: number,
  values: readonly (T | null)[],
  write: (buffer: Buffer, value: T, at: number) => void,
): Buffer {
  const buffer = start(type, values.length, values.length * (4 + width));
  let at = headerBytes;
  for (const value of values) {
    if (value === null) {
      at = buffer.writeInt32BE(-1, at);
      continue;
    }
    at = buffer.writeInt32BE(width, at);
    write(buffer, value, at);
    at += width;
  }
  return buffer.subarray(0, at);
}

export function smallintArray(values: readonly (number | null)[]): Buffer {
  return fixed(oid.int2, 2, values, (buffer, value, at) => buffer.writeInt16BE(value, at));
}

export function integerArray(values: readonly (number | null)[]): Buffer {
  return fixed(oid.int4, 4, values, (buffer, value, at) => buffer.writeInt32BE(value, at));
}

export function floatArray(values: readonly (number | null)[]): Buffer {
  return fixed(oid.float8, 8, values, (buffer, value, at) => buffer.writeDoubleBE(value, at));
}

/** `bigint` values as `pg` gives them: decimal text. */
export function bigintArray(values: readonly (string | null)[]): Buffer {
  return fixed(oid.int8, 8, values, (buffer, value, at) => buffer.writeBigInt64BE(BigInt(value), at));
}

export function booleanArray(values: readonly (boolean | null)[]): Buffer {
  return fixed(oid.bool, 1, values, (buffer, value, at) => buffer.writeUInt8(value ? 1 : 0, at));
}

/** UUIDs in their usual form with four hyphens. */
export function uuidArray(values: readonly (string | null)[]): Buffer {
  return fixed(oid.uuid, 16, values, writeUuid);
}

function writeUuid(buffer: Buffer, id: string, at: number): void {
  let digit = 0;
  for (let byte = 0; byte < 16; byte += 1) {
    if (byte === 4 || byte === 6 || byte === 8 || byte === 10) digit += 1;
    buffer[at + byte] = (nibble(id.charCodeAt(digit)) << 4) | nibble(id.charCodeAt(digit + 1));
    digit += 2;
  }
}

/** Value of a hexadecimal digit of either case. */
function nibble(code: number): number {
  return (code & 0xf) + (code >> 6) * 9;
}

/** Text without U+0000. A character takes at most three bytes per UTF-16 unit. */
export function textArray(values: readonly (string | null)[]): Buffer {
  let units = 0;
  for (const value of values) units += value === null ? 0 : value.length;
  const buffer = start(oid.text, values.length, values.length * 4 + units * 3);
  let at = headerBytes;
  for (const value of values) {
    if (value === null) {
      at = buffer.writeInt32BE(-1, at);
      continue;
    }
    const bytes = buffer.write(value, at + 4);
    buffer.writeInt32BE(bytes, at);
    at += 4 + bytes;
  }
  return buffer.subarray(0, at);
}
