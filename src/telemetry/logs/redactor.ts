import { type Cut, headerValue, jsonValue, keyBlockEnd, levelOf, plainValue } from './secret-ends.js';
import { hiddenText, type SecretShape, secretShapes } from './secret-shapes.js';

/** Shorter ones are words that stand in ordinary lines too, such as the password of a developer's database. */
const minKnownLength = 12;
const headerName = /(?:authorization|cookie|key):/i;

/**
 * Hides secrets in finished lines: by the names of fields at any depth, by shape in any text, and those that are known.
 * It looks at a line once, whatever is in it; to a line without secrets it does nothing else.
 */
export class Redactor {
  readonly #shapes: readonly SecretShape[];
  readonly #any: RegExp;

  /** `known`: secrets of this process, hidden wherever they stand. */
  constructor(known: readonly string[] = []) {
    const long = known
      .flatMap((value) => [value, passwordIn(value)])
      .filter((value) => value.length >= minKnownLength);
    const values = [...new Set(long.flatMap(spellings))];
    const exact: SecretShape = { keep: '', hide: `(?:${values.map(literally).join('|')})`, rest: 'known' };
    this.#shapes = values.length === 0 ? secretShapes : [exact, ...secretShapes];
    this.#any = new RegExp(this.#shapes.map(({ keep, hide }) => `(${keep})${hide}`).join('|'), 'g');
  }

  /** One line of JSON; so is what it gives. Nothing is looked for before `from`. */
  line(json: string, from = 0): string {
    this.#any.lastIndex = from;
    let found = this.#any.exec(json);
    if (found === null) return json;
    let shown = '';
    let at = 0;
    for (; found !== null; found = this.#any.exec(json)) {
      const cut = this.#cutOf(json, found);
      if (cut === undefined) continue;
      shown += json.slice(at, cut.from) + cut.text;
      at = cut.to;
      this.#any.lastIndex = at;
    }
    return shown + json.slice(at);
  }

  /** Any text. */
  text(text: string): string {
    const json = JSON.stringify(text);
    const shown = this.line(json);
    return shown === json ? text : (JSON.parse(shown) as string);
  }

  #valueOf(json: string, from: number, at: number): Cut | undefined {
    const name = json.slice(from, at);
    const quote = name.indexOf('"');
    if (quote >= 0) return jsonValue(json, at, levelOf(name, quote, 0));
    if (name.endsWith('=')) return plainValue(json, at);
    // `token: …` stands in many a sentence.
    return headerName.test(name) ? headerValue(json, at) : undefined;
  }

  #cutOf(json: string, found: RegExpExecArray): Cut | undefined {
    const which = found.findIndex((group, index) => index > 0 && group !== undefined);
    const shape = this.#shapes[which - 1] as SecretShape;
    const end = found.index + found[0].length;
    const from = found.index + (found[which] ?? '').length;
    switch (shape.rest) {
      case 'known':
        // Its first letter belongs to an escape, so it is not what it looks like.
        return levelOf(json, found.index, 0) > 0 ? undefined : { from, to: end, text: hiddenText };
      case 'value':
        return this.#valueOf(json, found.index, end);
      case 'key-block':
        return { from, to: keyBlockEnd(json, end), text: hiddenText };
      case undefined:
        if (shape.holds?.(json.slice(from, end)) ?? true) return { from, to: end, text: hiddenText };
        if (shape.lookWithin) this.#any.lastIndex = from;
        return undefined;
      default:
        return shape.rest satisfies never;
    }
  }
}

/** Of an address, as it is written there. */
function passwordIn(value: string): string {
  return URL.canParse(value) ? new URL(value).password : '';
}

/** As it stands in JSON, in JSON within JSON, and in an address. */
function spellings(value: string): string[] {
  const inJson = JSON.stringify(value).slice(1, -1);
  return [...new Set([inJson, JSON.stringify(inJson).slice(1, -1), encodeURIComponent(value)])];
}

function literally(text: string): string {
  return text.replace(/[.*+?^${}()|[\]\\/-]/g, '\\$&');
}
