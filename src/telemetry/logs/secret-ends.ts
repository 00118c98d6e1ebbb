import { hiddenText } from './secret-shapes.js';

/** What is put in the place of `from` to `to`. */
export interface Cut {
  readonly from: number;
  readonly to: number;
  readonly text: string;
}

/*
 * A line is JSON, and JSON often stands in its strings, once more encoded. A quote's level says in how many strings it
 * stands: each puts backslashes before it (none, 1, 3, 7), and backslashes of the text itself come in even numbers
 * before those. So the level is the number of ones at the end of the count.
 *
 * Each of these functions passes over the text once and ends, at the latest, where the string ends in which it began:
 * what is cut out leaves JSON behind, and nothing is looked at again and again.
 */

const numeral = /-?\d[\w.+-]*/y;
const word = /[^\s&"\\,;)}\]]+/y;
const singleQuoted = /'[^'"\\]+/y;
const headerRest = /[^"\\\r\n]+/y;
const mark = /["{}[\]]/g;
const blockEnd = /-----END [A-Z0-9 ]{0,60}-----|"/g;

/** The value at `at` of a field whose name ended with a quote of `level`. Undefined for true, false and null. */
export function jsonValue(text: string, at: number, level: number): Cut | undefined {
  const escapes = 2 ** level - 1;
  if (text.charAt(at + escapes) === '"' && levelOf(text, at + escapes, at) === level) {
    const from = at + escapes + 1;
    return { from, to: stringEnd(text, from, level), text: hiddenText };
  }
  const quote = `${'\\'.repeat(escapes)}"`;
  const quoted = `${quote}${hiddenText}${quote}`;
  const first = text.charAt(at);
  if (first === '{' || first === '[') return { from: at, to: structureEnd(text, at, level), text: quoted };
  numeral.lastIndex = at;
  return numeral.test(text) ? { from: at, to: numeral.lastIndex, text: quoted } : undefined;
}

/** What stands after `name=`: a word, or whatever is in quotes. */
export function plainValue(text: string, at: number): Cut | undefined {
  if (text.startsWith(hiddenText, at)) return undefined;
  let quoteAt = at;
  while (text.charAt(quoteAt) === '\\') quoteAt += 1;
  if (text.charAt(quoteAt) === '"') {
    const level = levelOf(text, quoteAt, at);
    // The end of the string in which the name stands.
    if (level === 0) return undefined;
    return { from: quoteAt + 1, to: stringEnd(text, quoteAt + 1, level), text: hiddenText };
  }
  for (const value of [singleQuoted, word]) {
    value.lastIndex = at;
    if (!value.test(text)) continue;
    return { from: value === word ? at : at + 1, to: value.lastIndex, text: hiddenText };
  }
  return undefined;
}

/** What stands after `Cookie: `, up to the end of its line. */
export function headerValue(text: string, at: number): Cut | undefined {
  headerRest.lastIndex = at;
  return headerRest.test(text) ? { from: at, to: headerRest.lastIndex, text: hiddenText } : undefined;
}

/** Where a private key ends that began before `at`; without an end, where its string does. */
export function keyBlockEnd(text: string, at: number): number {
  blockEnd.lastIndex = at;
  const end = blockEnd.exec(text);
  if (end === null) return text.length;
  return end[0] === '"' ? end.index - backslashesBefore(text, end.index, at) : blockEnd.lastIndex;
}

/** The level of the quote at `quoteAt`; nothing before `from` counts. */
export function levelOf(text: string, quoteAt: number, from: number): number {
  let level = 0;
  for (let n = backslashesBefore(text, quoteAt, from); n % 2 === 1; n = (n - 1) / 2) level += 1;
  return level;
}

/** Where the content ends of a string of this level that begins at `from`. */
function stringEnd(text: string, from: number, level: number): number {
  for (let at = text.indexOf('"', from); at >= 0; at = text.indexOf('"', at + 1)) {
    const found = levelOf(text, at, from);
    if (found <= level) return at - (2 ** found - 1);
  }
  return text.length;
}

/** Where an object or a list of this level ends that begins at `from`. */
function structureEnd(text: string, from: number, level: number): number {
  let open = 0;
  mark.lastIndex = from;
  for (let found = mark.exec(text); found !== null; found = mark.exec(text)) {
    if (found[0] === '"') {
      const quote = levelOf(text, found.index, from);
      if (quote < level) return found.index - (2 ** quote - 1);
      mark.lastIndex = afterString(text, found.index + 1, quote);
    } else {
      open += found[0] === '{' || found[0] === '[' ? 1 : -1;
      if (open === 0) return mark.lastIndex;
    }
  }
  return text.length;
}

function afterString(text: string, from: number, level: number): number {
  const end = stringEnd(text, from, level);
  const escapes = 2 ** level - 1;
  // One that is cut off ends with the string around it, which is for the caller to see.
  return text.charAt(end + escapes) === '"' && levelOf(text, end + escapes, end) === level
    ? end + escapes + 1
    : end;
}

function backslashesBefore(text: string, at: number, from: number): number {
  let start = at;
  while (start > from && text.charAt(start - 1) === '\\') start -= 1;
  return at - start;
}
