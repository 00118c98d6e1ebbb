export type Sample = Readonly<Record<string, number>>;
export interface Outcome {
  readonly samples: readonly Sample[];
  readonly failure?: string;
  readonly notAvailable?: boolean;
  /** What the reader must know of this figure. */
  readonly note?: string;
}
export interface Measure {
  readonly contenders: readonly string[];
  readonly rows: readonly {
    readonly measure: string;
    readonly unit: string;
    readonly better: 'higher' | 'lower';
    readonly goal: number;
    readonly acceptedFrom: number;
    readonly judgedBy: 'ratio' | 'value';
    readonly strictly?: boolean;
    readonly opponents?: readonly string[];
    readonly take: (sample: Sample) => number | undefined;
    readonly baselines?: Readonly<Record<string, (sample: Sample) => number | undefined>>;
  }[];
}
export interface Row {
  readonly measure: string;
  readonly signalbox: number | null;
  readonly peers: Readonly<Record<string, number | null>>;
  readonly best_peer: string | null;
  readonly ratio: number | null;
  readonly accepted: boolean;
  readonly status: string;
  readonly failures: Readonly<Record<string, string>>;
  readonly notes: Readonly<Record<string, string>>;
}
export function rowsOf(
  measure: Measure,
  outcomes: ReadonlyMap<string, Outcome>,
  options: { readonly scale: number },
): Row[];
