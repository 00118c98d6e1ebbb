export type Better = 'higher' | 'lower';
export function median(values: readonly number[]): number | null;
export function percentile(values: readonly number[], share: number): number | null;
export function ratioOf(ours: number | null, theirs: number | null, better: Better): number | null;
export function bestOf(figures: Readonly<Record<string, number | null>>, better: Better): string | null;
export function isAccepted(row: {
  ratio: number | null;
  value: number | null;
  acceptedFrom: number;
  judgedBy: 'ratio' | 'value';
  strictly?: boolean;
  better: Better;
  complete: boolean;
}): boolean;
