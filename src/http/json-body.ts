import { isUtf8 } from 'node:buffer';
import type { FieldProblem } from '../foundation/errors.js';
import { fieldsInvalid, httpErrors } from './errors.js';
import { fieldName, visitStrings } from './unstorable.js';

/**
 * Reads a JSON body. An empty one gives `undefined`: whether one is needed is the route's business.
 * @throws encoding_invalid, body_malformed
 */
export function parseJsonBody(body: Buffer, maxDepth: number): unknown {
  if (body.length === 0) return undefined;
  if (!isUtf8(body)) throw notUtf8(body);
  const text = textOf(body);
  const value = parse(text);
  if (value === invalid) throw httpErrors.body_malformed('The body is not valid JSON.');
  // Each level takes two characters, and a name of danger its own or an escape: most bodies need no second look.
  if (text.length > maxDepth * 2 || suspicious.test(text)) assertHarmless(value, maxDepth);
  return value;
}

const suspicious = /__proto__|constructor|\\/;
const byteOrderMark = '\ufeff';

function textOf(body: Buffer): string {
  const text = body.toString('utf8');
  return text.startsWith(byteOrderMark) ? text.slice(1) : text;
}

const invalid = Symbol('invalid');

function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return invalid;
  }
}

/** Without recursion: a megabyte of brackets must not end the process, here or in whatever walks the value later. */
function assertHarmless(root: unknown, maxDepth: number): void {
  const open: { value: unknown; depth: number }[] = [{ value: root, depth: 0 }];
  for (let next = open.pop(); next !== undefined; next = open.pop()) {
    const { value, depth } = next;
    if (typeof value !== 'object' || value === null) continue;
    if (depth >= maxDepth) {
      throw httpErrors.body_malformed(`The body is nested more than ${maxDepth} levels deep.`);
    }
    const members = value as Readonly<Record<string, unknown>>;
    for (const key of Object.keys(members)) {
      const member = members[key];
      if (isPoisonous(key, member)) {
        throw fieldsInvalid([{ field: key, message: 'is not allowed as a name' }], httpErrors.body_malformed);
      }
      open.push({ value: member, depth: depth + 1 });
    }
  }
}

/** Names through which a careless merge would reach the prototype of every object. */
function isPoisonous(key: string, member: unknown): boolean {
  if (key === '__proto__') return true;
  return key === 'constructor' && typeof member === 'object' && member !== null && 'prototype' in member;
}

/**
 * Finds the fields at fault: UTF-8 never uses an ASCII byte inside a character, so read as Latin-1 the
 * document has the same structure, and its strings give their bytes back.
 */
function notUtf8(body: Buffer) {
  const problems: FieldProblem[] = [];
  const value = parse(body.toString('latin1'));
  if (value !== invalid) {
    visitStrings(value, (text, path) => {
      // Above 0xff only \u escapes can be; they are no bytes of the body.
      if (!isUtf8(Buffer.from(text.replace(/[^\0-\xff]/g, ''), 'latin1'))) {
        problems.push({ field: fieldName(path, 'body'), message: 'is not valid UTF-8' });
      }
    });
  }
  if (problems.length === 0) problems.push({ field: 'body', message: 'is not valid UTF-8' });
  return fieldsInvalid(problems, httpErrors.encoding_invalid);
}
