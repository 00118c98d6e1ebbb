import type { FieldProblem } from '../foundation/errors.js';
import { configErrors } from './errors.js';
import { recognisedFamilies, recognisedWithoutUse } from './recognised.js';
import type { Section, SettingMap, ValuesOf } from './section.js';
import { InvalidSetting, type Setting } from './setting.js';

export interface ConfigInput {
  /** The process's environment. An empty value counts as absent. */
  readonly env: Readonly<Record<string, string | undefined>>;
  /** Values from the command line by variable name; they win over the environment. */
  readonly flags?: Readonly<Record<string, string | undefined>>;
}

/** One setting as it took effect, for people. */
export interface EffectiveSetting {
  readonly section: string;
  readonly name: string;
  /** `(hidden)` for a secret that is set, `(unset)` when there is none. */
  readonly value: string;
  /** `default`, `flag NAME` or `env NAME`. */
  readonly source: string;
  readonly help: string;
}

/** The parsed configuration: values by section, where each came from, and what is worth a warning. */
export class Config {
  readonly #values: ReadonlyMap<string, unknown>;
  readonly effective: readonly EffectiveSetting[];
  readonly warnings: readonly string[];
  readonly #secrets: readonly string[];

  constructor(
    values: ReadonlyMap<string, unknown>,
    effective: readonly EffectiveSetting[],
    warnings: readonly string[],
    secrets: readonly string[],
  ) {
    this.#values = values;
    this.effective = effective;
    this.warnings = warnings;
    this.#secrets = secrets;
  }

  /** The values of all secret settings that are set, so that nothing prints them. Not enumerable: nor does JSON. */
  get secrets(): readonly string[] {
    return this.#secrets;
  }

  get<S extends SettingMap>(section: Section<S>): ValuesOf<S> {
    const values = this.#values.get(section.name);
    if (values === undefined) throw new TypeError(`Section ${section.name} was not handed to loadConfig.`);
    return values as ValuesOf<S>;
  }
}

/**
 * Reads every section at once.
 * @throws config_invalid with one field problem per wrong setting.
 */
export function loadConfig(sections: readonly Section[], input: ConfigInput): Config {
  const problems: FieldProblem[] = [];
  const effective: EffectiveSetting[] = [];
  const values = new Map<string, unknown>();
  const secrets: string[] = [];
  for (const section of sections) {
    const parsed: Record<string, unknown> = {};
    const before = problems.length;
    for (const [key, setting] of Object.entries(section.settings)) {
      const given = find(setting, input);
      parsed[key] = given ? parseGiven(setting, given, problems) : setting.fallback;
      if (setting.secret && given) secrets.push(given.text);
      effective.push(describe(section, setting, given, parsed[key]));
    }
    if (problems.length === before) {
      for (const message of section.check?.(parsed) ?? []) problems.push({ field: section.name, message });
    }
    values.set(section.name, Object.freeze(parsed));
  }
  if (problems.length > 0) {
    const lines = problems.map(({ field, message }) => `${field} ${message}`);
    throw configErrors.config_invalid(lines.join('; '), { fields: problems });
  }
  return new Config(values, Object.freeze(effective), warningsFor(sections, input), Object.freeze(secrets));
}

interface Given {
  readonly name: string;
  readonly text: string;
  readonly source: string;
}

function find(setting: Setting<unknown>, input: ConfigInput): Given | undefined {
  for (const name of setting.env) {
    const flag = input.flags?.[name];
    if (flag !== undefined) return { name, text: flag, source: `flag ${name}` };
  }
  for (const name of setting.env) {
    const text = input.env[name];
    if (text !== undefined && text !== '') return { name, text, source: `env ${name}` };
  }
  return undefined;
}

function parseGiven(setting: Setting<unknown>, given: Given, problems: FieldProblem[]): unknown {
  try {
    return setting.parse(given.text);
  } catch (error) {
    if (!(error instanceof InvalidSetting)) throw error;
    problems.push({ field: given.name, message: error.message });
    return setting.fallback;
  }
}

function describe(
  section: Section,
  setting: Setting<unknown>,
  given: Given | undefined,
  value: unknown,
): EffectiveSetting {
  return Object.freeze({
    section: section.name,
    name: setting.env[0],
    value: value === undefined ? '(unset)' : setting.secret ? '(hidden)' : String(value),
    source: given?.source ?? 'default',
    help: setting.help,
  });
}

function warningsFor(sections: readonly Section[], input: ConfigInput): string[] {
  const known = new Set(sections.flatMap((section) => Object.values(section.settings).flatMap((s) => s.env)));
  const isSet = (name: string) => (input.env[name] ?? '') !== '';
  const recognised = (name: string) =>
    recognisedWithoutUse.includes(name) || recognisedFamilies.some((prefix) => name.startsWith(prefix));
  const unused = Object.keys(input.env)
    .filter((name) => recognised(name) && !known.has(name) && isSet(name))
    .sort()
    .map((name) => `${name} is set, but this version of Signalbox does not use it.`);
  const misspelt = Object.keys(input.env)
    .filter((name) => name.startsWith('SIGNALBOX_') && !known.has(name) && isSet(name))
    .map((name) => `${name} is set, but there is no such setting; \`signalbox config\` lists them all.`);
  return [...unused, ...misspelt];
}
