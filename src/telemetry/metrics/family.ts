import type {
  CounterDeclaration,
  GaugeDeclaration,
  HistogramDeclaration,
  LabelRule,
  Labels,
  LabelValues,
  MetricDeclaration,
} from './declaration.js';
import { CounterSeries, GaugeSeries, HistogramSeries } from './series.js';

/** Where values beyond the bound of a label go: a metric must not grow with what strangers send. */
export const overflow = 'other';

export type Series = CounterSeries | GaugeSeries | HistogramSeries;

/** All series of one metric in one registry. */
abstract class Family<L extends Labels, S extends Series> {
  readonly declaration: MetricDeclaration<L>;
  readonly #rules: readonly (readonly [string, LabelRule])[];
  readonly #series = new Map<string, S>();
  /** Values that each unbounded label has by now. */
  readonly #seen = new Map<string, Map<string, number>>();

  constructor(declaration: MetricDeclaration<L>) {
    this.declaration = declaration;
    this.#rules = Object.entries(declaration.labels);
  }

  /** The series with these labels, made when there is none. Keep it where it is written often. */
  with(labels: LabelValues<L>): S {
    const values = this.#rules.map(([name, rule]) => this.#bounded(name, rule, labels[name] ?? ''));
    const key = values.join('\u0000');
    const known = this.#series.get(key);
    if (known !== undefined) return known;
    const made = this.make(this.#rules.map(([name], n) => `${name}="${escaped(values[n] ?? '')}"`).join(','));
    this.#series.set(key, made);
    for (const [n, [name, rule]] of this.#rules.entries()) this.#count(name, rule, values[n] ?? '', 1);
    return made;
  }

  series(): Iterable<S> {
    return this.#series.values();
  }

  protected abstract make(labels: string): S;

  /** Drops every series that is not among these: what is gone is not told any more. */
  protected keep(wanted: ReadonlySet<S>): void {
    for (const [key, series] of this.#series) {
      if (wanted.has(series)) continue;
      this.#series.delete(key);
      const values = key.split('\u0000');
      for (const [n, [name, rule]] of this.#rules.entries()) this.#count(name, rule, values[n] ?? '', -1);
    }
  }

  #bounded(name: string, rule: LabelRule, value: string): string {
    if ('values' in rule) return rule.values.includes(value) ? value : overflow;
    const seen = this.#seen.get(name);
    return seen === undefined || seen.has(value) || seen.size < rule.atMost ? value : overflow;
  }

  #count(name: string, rule: LabelRule, value: string, by: 1 | -1): void {
    if ('values' in rule || value === overflow) return;
    const seen = this.#seen.get(name) ?? new Map<string, number>();
    this.#seen.set(name, seen);
    const left = (seen.get(value) ?? 0) + by;
    if (left > 0) seen.set(value, left);
    else seen.delete(value);
  }
}

export type AnyFamily = Pick<Family<Labels, Series>, 'declaration' | 'series'>;

export class CounterFamily<L extends Labels> extends Family<L, CounterSeries> {
  constructor(declaration: CounterDeclaration<L>) {
    super(declaration);
  }

  protected make(labels: string): CounterSeries {
    return new CounterSeries(labels);
  }
}

export class GaugeFamily<L extends Labels> extends Family<L, GaugeSeries> {
  constructor(declaration: GaugeDeclaration<L>) {
    super(declaration);
  }

  set(labels: LabelValues<L>, value: number): void {
    this.with(labels).set(value);
  }

  /** From now on there are these and no others. */
  replace(entries: Iterable<readonly [LabelValues<L>, number]>): void {
    for (const _ of this.replacing(entries));
  }

  /** The same, one entry a step; those that are gone go with the last. */
  *replacing(entries: Iterable<readonly [LabelValues<L>, number]>): Generator<void> {
    const wanted = new Set<GaugeSeries>();
    for (const [labels, value] of entries) {
      const series = this.with(labels);
      // Several may share the overflow.
      series.set(wanted.has(series) ? Math.max(series.value, value) : value);
      wanted.add(series);
      yield;
    }
    this.keep(wanted);
  }

  protected make(labels: string): GaugeSeries {
    return new GaugeSeries(labels);
  }
}

export class HistogramFamily<L extends Labels> extends Family<L, HistogramSeries> {
  readonly #buckets: readonly number[];

  constructor(declaration: HistogramDeclaration<L>) {
    super(declaration);
    this.#buckets = declaration.buckets;
  }

  protected make(labels: string): HistogramSeries {
    return new HistogramSeries(labels, this.#buckets);
  }
}

function escaped(value: string): string {
  return value.replaceAll('\\', '\\\\').replaceAll('\n', '\\n').replaceAll('"', '\\"');
}
