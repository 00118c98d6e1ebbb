/** A label whose values are known: any other is a compile error. */
export interface Words<V extends string = string> {
  readonly values: readonly V[];
}

/** A label whose values come from outside the code. What goes beyond the bound is counted under `other`. */
export interface Names {
  /** What bounds them, for the documentation. */
  readonly of: string;
  readonly atMost: number;
}

export type LabelRule = Words | Names;
export type Labels = Readonly<Record<string, LabelRule>>;
export type LabelValues<L extends Labels> = {
  readonly [K in keyof L]: L[K] extends Words<infer V> ? V : string;
};

/** The labels that a series of this metric must be given. */
export type LabelsOf<D> = D extends { readonly labels: infer L extends Labels } ? LabelValues<L> : never;

interface Common<L extends Labels> {
  readonly name: string;
  readonly help: string;
  /** Base unit, with which the name ends; `null` for plain counts and states. */
  readonly unit: 'seconds' | 'bytes' | null;
  readonly labels: L;
  /** The module that writes it. */
  readonly writer: string;
  /**
   * `process`: what the scraped process saw itself; add up over processes. `cluster`: read from the database and the
   * same from every process; take `max by`, never `sum`.
   */
  readonly scope: 'process' | 'cluster';
}

export interface CounterDeclaration<L extends Labels = Labels> extends Common<L> {
  readonly type: 'counter';
}
export interface GaugeDeclaration<L extends Labels = Labels> extends Common<L> {
  readonly type: 'gauge';
}
export interface HistogramDeclaration<L extends Labels = Labels> extends Common<L> {
  readonly type: 'histogram';
  /** Upper bounds, ascending, without +Inf. */
  readonly buckets: readonly number[];
}
export type MetricDeclaration<L extends Labels = Labels> =
  | CounterDeclaration<L>
  | GaugeDeclaration<L>
  | HistogramDeclaration<L>;

export function words<const V extends string>(...values: readonly V[]): Words<V> {
  return Object.freeze({ values });
}

export function names(of: string, atMost: number): Names {
  return Object.freeze({ of, atMost });
}

/** Declares a counter. @throws TypeError for a name or label that Prometheus or our own rules do not allow */
export function counter<const L extends Labels>(
  declared: Omit<CounterDeclaration<L>, 'type'>,
): CounterDeclaration<L> {
  if (!declared.name.endsWith('_total')) throw new TypeError(`${declared.name}: a counter ends with _total`);
  return checked({ ...declared, type: 'counter' });
}

/** Declares a gauge. @throws TypeError as `counter` */
export function gauge<const L extends Labels>(
  declared: Omit<GaugeDeclaration<L>, 'type'>,
): GaugeDeclaration<L> {
  return checked({ ...declared, type: 'gauge' });
}

/** Declares a histogram. @throws TypeError as `counter`, and for buckets that do not ascend */
export function histogram<const L extends Labels>(
  declared: Omit<HistogramDeclaration<L>, 'type'>,
): HistogramDeclaration<L> {
  const ascend = declared.buckets.every((bound, n) => n === 0 || bound > (declared.buckets[n - 1] ?? 0));
  if (!ascend || declared.buckets.length === 0) throw new TypeError(`${declared.name}: buckets must ascend`);
  return checked({ ...declared, type: 'histogram' });
}

function checked<D extends MetricDeclaration>(declared: D): D {
  const { name, type, unit, labels } = declared;
  const base = type === 'counter' ? name.slice(0, -'_total'.length) : name;
  const reserved = /_(total|bucket|sum|count|created)$/;
  if (!/^[a-z][a-z0-9_]*$/.test(name) || reserved.test(base))
    throw new TypeError(`${name} is no metric name`);
  if (unit !== null && !base.endsWith(`_${unit}`)) throw new TypeError(`${name} must name its unit, ${unit}`);
  for (const label of Object.keys(labels)) {
    if (!/^[a-z][a-z_]*$/.test(label) || ['le', 'quantile'].includes(label)) {
      throw new TypeError(`${name}: ${label} is no label name`);
    }
  }
  return Object.freeze(declared);
}
