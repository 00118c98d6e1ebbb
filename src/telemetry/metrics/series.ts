/** A trace that stands for what a bucket counted. */
export interface Exemplar {
  readonly traceId: string;
  readonly value: number;
  /** Milliseconds since the epoch. */
  readonly at: number;
}

/** One counter with its labels. Kept by whoever writes it often: looking it up costs more than counting. */
export class CounterSeries {
  /** As written between the braces. */
  readonly labels: string;
  value = 0;

  constructor(labels: string) {
    this.labels = labels;
  }

  inc(by = 1): void {
    this.value += by;
  }
}

export class GaugeSeries {
  readonly labels: string;
  value = 0;

  constructor(labels: string) {
    this.labels = labels;
  }

  set(value: number): void {
    this.value = value;
  }
}

export class HistogramSeries {
  readonly labels: string;
  readonly #bounds: readonly number[];
  /** How many fell between a bound and the one before it; the last: above all bounds. */
  readonly counts: number[];
  sum = 0;
  /** The newest of each bucket; none until one is known. */
  exemplars: (Exemplar | undefined)[] | undefined;

  constructor(labels: string, bounds: readonly number[]) {
    this.labels = labels;
    this.#bounds = bounds;
    this.counts = new Array<number>(bounds.length + 1).fill(0);
  }

  observe(value: number, traceId?: string): void {
    const bounds = this.#bounds;
    let bucket = 0;
    while (bucket < bounds.length && value > (bounds[bucket] as number)) bucket += 1;
    this.counts[bucket] = (this.counts[bucket] as number) + 1;
    this.sum += value;
    if (traceId === undefined) return;
    this.exemplars ??= new Array<Exemplar | undefined>(this.counts.length);
    this.exemplars[bucket] = { traceId, value, at: Date.now() };
  }
}
