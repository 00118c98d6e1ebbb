import { parseBytes, parseDuration, parsePercent } from './units.js';

/** One setting: the environment variables that may give it, how its text is read, and what it is when absent. */
export interface Setting<T> {
  /** Accepted variables, the preferred spelling first. */
  readonly env: readonly [string, ...string[]];
  /** One sentence for `signalbox config` and docs/configuration.md. */
  readonly help: string;
  /** Never printed. */
  readonly secret: boolean;
  readonly fallback: T;
  /** Reads the text. @throws {InvalidSetting} with what is expected. */
  parse(text: string): T;
}

/** What is wrong with a value, without the value: it may be a secret. */
export class InvalidSetting extends Error {}

interface Common {
  readonly env: string | readonly [string, ...string[]];
  readonly help: string;
  readonly secret?: boolean;
}

function setting<T>(common: Common, fallback: T, parse: (text: string) => T): Setting<T> {
  const env: readonly [string, ...string[]] = typeof common.env === 'string' ? [common.env] : common.env;
  return Object.freeze({ env, help: common.help, secret: common.secret ?? false, fallback, parse });
}

/** Free text. */
export function text<F extends string | undefined>(
  options: Common & { fallback: F; minLength?: number; maxLength?: number },
): Setting<string | F> {
  const { minLength = 1, maxLength = 4_096 } = options;
  return setting<string | F>(options, options.fallback, (value) => {
    if (value.length < minLength) throw new InvalidSetting(`must have at least ${minLength} characters`);
    if (value.length > maxLength) throw new InvalidSetting(`must have at most ${maxLength} characters`);
    return value;
  });
}

/** A whole number between `min` and `max`. */
export function integer<F extends number | undefined>(
  options: Common & { fallback: F; min: number; max: number },
): Setting<number | F> {
  return setting<number | F>(options, options.fallback, (value) => {
    const number = Number(value);
    if (!/^-?\d+$/.test(value) || number < options.min || number > options.max) {
      throw new InvalidSetting(`must be a whole number from ${options.min} to ${options.max}`);
    }
    return number;
  });
}

/** A share such as `99.5` or `99.5%`, above 0 and below 100. Value: from 0 to 1. */
export function percent(options: Common & { fallback: number }): Setting<number> {
  return setting(options, options.fallback, (value) => {
    const share = parsePercent(value);
    if (share === undefined)
      throw new InvalidSetting('must be a percentage above 0 and below 100, such as 99.5');
    return share;
  });
}

/** A share from `0` to `1`, both included. */
export function share(options: Common & { fallback: number }): Setting<number> {
  return setting(options, options.fallback, (value) => {
    const number = Number(value);
    if (value.trim() === '' || !(number >= 0 && number <= 1)) {
      throw new InvalidSetting('must be a number from 0 to 1, such as 0.1');
    }
    return number;
  });
}

/** `true`, `1`, `yes`, `on`, or their opposites. */
export function flag(options: Common & { fallback: boolean }): Setting<boolean> {
  return setting(options, options.fallback, (value) => {
    if (/^(true|1|yes|on)$/i.test(value)) return true;
    if (/^(false|0|no|off)$/i.test(value)) return false;
    throw new InvalidSetting('must be true or false');
  });
}

/** One of the given words, in any case. */
export function choice<const W extends string>(
  options: Common & { fallback: W; words: readonly W[]; synonyms?: Readonly<Record<string, W>> },
): Setting<W> {
  return setting<W>(options, options.fallback, (value) => {
    const lower = value.toLowerCase();
    const found = options.words.find((word) => word === lower) ?? options.synonyms?.[lower];
    if (found === undefined) throw new InvalidSetting(`must be one of ${options.words.join(', ')}`);
    return found;
  });
}

/** A duration such as `500ms`, `15s`, `2m`, `1h`; a bare number is seconds. Value: milliseconds. */
export function duration(
  options: Common & { fallback: number; minMs?: number; maxMs?: number },
): Setting<number> {
  const { minMs = 0, maxMs = 30 * 86_400_000 } = options;
  return setting(options, options.fallback, (value) => {
    const ms = parseDuration(value);
    if (ms === undefined || ms < minMs || ms > maxMs) {
      throw new InvalidSetting(`must be a duration from ${minMs}ms to ${maxMs}ms, such as 500ms, 15s or 2m`);
    }
    return ms;
  });
}

/** A size such as `512kb`, `20mb`; a bare number is bytes. Value: bytes. */
export function bytes(options: Common & { fallback: number; min?: number; max: number }): Setting<number> {
  const { min = 1 } = options;
  return setting(options, options.fallback, (value) => {
    const size = parseBytes(value);
    if (size === undefined || size < min || size > options.max) {
      throw new InvalidSetting(`must be a size from ${min} to ${options.max} bytes, such as 512kb or 20mb`);
    }
    return size;
  });
}

/** An absolute URL with one of the given schemes (without the colon). Value: the text as given. */
export function url<F extends string | undefined>(
  options: Common & { fallback: F; schemes: readonly string[] },
): Setting<string | F> {
  return setting<string | F>(options, options.fallback, (value) => {
    const expected = `must be a URL that starts with ${options.schemes.map((s) => `${s}://`).join(' or ')}`;
    if (!URL.canParse(value)) throw new InvalidSetting(expected);
    if (!options.schemes.includes(new URL(value).protocol.slice(0, -1))) throw new InvalidSetting(expected);
    return value;
  });
}

/** Words separated by commas; empty ones are dropped. */
export function list(
  options: Common & { fallback: readonly string[]; pattern?: RegExp },
): Setting<readonly string[]> {
  return setting(options, options.fallback, (value) => {
    const words = value
      .split(',')
      .map((word) => word.trim())
      .filter((word) => word !== '');
    const bad = words.find((word) => options.pattern && !options.pattern.test(word));
    if (bad !== undefined)
      throw new InvalidSetting(`has a word that is not allowed: it must match ${options.pattern}`);
    return Object.freeze(words);
  });
}
