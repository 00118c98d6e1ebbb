import type { Format } from '../format.js';

export interface Sample {
  readonly name: string;
  readonly labels: Readonly<Record<string, string>>;
  readonly value: number;
  readonly exemplar?: { readonly labels: Readonly<Record<string, string>>; readonly value: number };
}

export interface ParsedFamily {
  readonly name: string;
  readonly type: string;
  readonly help: string;
  readonly samples: Sample[];
}

const labelText = /([a-zA-Z_][a-zA-Z0-9_]*)="((?:[^"\\\n]|\\[\\"n])*)"/g;
const labelsText = String.raw`\{((?:[a-zA-Z_]\w*="(?:[^"\\\n]|\\[\\"n])*",?)*)\}`;
const sampleLine = new RegExp(
  String.raw`^([a-zA-Z_:][\w:]*)(?:${labelsText})? (\S+)(?: # ${labelsText} (\S+) (\d+\.\d+))?$`,
);

/** Reads a text as strictly as its format's definition; throws for what a scraper would refuse or take wrongly. */
export function parseExposition(text: string, format: Format): Map<string, ParsedFamily> {
  const families = new Map<string, ParsedFamily>();
  const open = format === 'openmetrics';
  const lines = text.split('\n');
  if (lines.pop() !== '') throw new Error('the text does not end with a line feed');
  if (open && lines.pop() !== '# EOF') throw new Error('the text does not end with # EOF');
  let family: ParsedFamily | undefined;
  let help = '';
  const seen = new Set<string>();
  for (const line of lines) {
    const [, word, name = '', rest = ''] = /^# (HELP|TYPE|UNIT) (\S+) (.*)$/.exec(line) ?? [];
    if (word === 'HELP') {
      help = rest;
      continue;
    }
    if (word === 'UNIT') {
      if (!open || !name.endsWith(`_${rest}`)) throw new Error(`a wrong unit: ${line}`);
      continue;
    }
    if (word === 'TYPE') {
      if (families.has(name)) throw new Error(`${name} comes twice`);
      if (!/^(counter|gauge|histogram)$/.test(rest)) throw new Error(`an unknown type: ${line}`);
      family = { name, type: rest, help, samples: [] };
      families.set(name, family);
      continue;
    }
    const sample = sampleOf(line);
    const key = line.slice(0, line.indexOf(' ')) + JSON.stringify(sample.labels);
    if (seen.has(key)) throw new Error(`a series comes twice: ${line}`);
    seen.add(key);
    if (family === undefined || !belongs(sample.name, family, open)) throw new Error(`a stray line: ${line}`);
    if (sample.exemplar !== undefined && !open) throw new Error(`an exemplar in the old format: ${line}`);
    family.samples.push(sample);
  }
  for (const one of families.values()) if (one.type === 'histogram') assertHistogram(one);
  return families;
}

function sampleOf(line: string): Sample {
  const match = sampleLine.exec(line);
  if (match === null) throw new Error(`not a sample: ${line}`);
  const [, name = '', labels = '', value = '', exemplar, exemplarValue] = match;
  const sample = { name, labels: labelsOf(labels), value: numberOf(value) };
  if (exemplar === undefined) return sample;
  return { ...sample, exemplar: { labels: labelsOf(exemplar), value: numberOf(exemplarValue ?? '') } };
}

function labelsOf(text: string): Record<string, string> {
  const pairs = [...text.matchAll(labelText)].map(([, name = '', value = '']): [string, string] => [
    name,
    value.replaceAll(/\\([\\"n])/g, (_all, one: string) => (one === 'n' ? '\n' : one)),
  ]);
  if (new Set(pairs.map(([name]) => name)).size !== pairs.length) throw new Error(`a label twice: ${text}`);
  return Object.fromEntries(pairs);
}

function numberOf(text: string): number {
  if (text === '+Inf') return Number.POSITIVE_INFINITY;
  if (text === '-Inf') return Number.NEGATIVE_INFINITY;
  if (text !== 'NaN' && !/^-?\d+(\.\d+)?(e[-+]?\d+)?$/.test(text)) throw new Error(`not a number: ${text}`);
  return Number(text);
}

function belongs(name: string, { name: family, type }: ParsedFamily, open: boolean): boolean {
  if (type === 'histogram') return ['_bucket', '_sum', '_count'].some((suffix) => name === family + suffix);
  return name === (type === 'counter' && open ? `${family}_total` : family);
}

/** Buckets ascend and end with +Inf, which is the count. */
function assertHistogram({ name, samples }: ParsedFamily): void {
  let last: { readonly bound: number; readonly value: number } | undefined;
  for (const sample of samples) {
    if (sample.name === `${name}_bucket`) {
      const { le = '' } = sample.labels;
      if (!/\./.test(le) && le !== '+Inf') throw new Error(`${name}: the bound ${le} has no fraction`);
      const bound = numberOf(le);
      if (last !== undefined && (bound <= last.bound || sample.value < last.value)) {
        throw new Error(`${name}: buckets do not ascend`);
      }
      last = { bound, value: sample.value };
    } else if (sample.name === `${name}_count`) {
      if (last?.bound !== Number.POSITIVE_INFINITY || last.value !== sample.value) {
        throw new Error(`${name}: the last bucket is not the count`);
      }
    } else last = last?.bound === Number.POSITIVE_INFINITY ? last : undefined;
    if (sample.name === `${name}_count`) last = undefined;
  }
}

/** The one series with these labels, and perhaps others; `undefined` when there is none. */
export function sampleValue(
  families: ReadonlyMap<string, ParsedFamily>,
  name: string,
  labels: Readonly<Record<string, string>> = {},
): number | undefined {
  const family = families.get(name) ?? families.get(name.replace(/_(total|bucket|sum|count)$/, ''));
  return family?.samples.find(
    (sample) =>
      sample.name === name &&
      Object.entries(labels).every(([label, value]) => sample.labels[label] === value),
  )?.value;
}
