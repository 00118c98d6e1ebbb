import { storableText } from '../../../engine/failure.js';
import type { AlertEdge } from '../edge.js';
import type { Facts } from '../facts.js';

const maxLabels = 50;

/** As it stands in a `facts` column. */
export type FactsRow = Omit<Facts, 'startedAt'> & { readonly started_at: string };

/** Bounded, and without what jsonb cannot hold: an alert's text must never undo the transaction of its edge. */
export function factsRowOf(edge: AlertEdge): FactsRow {
  const labels = Object.entries(edge.labels).slice(0, maxLabels);
  return {
    rule: storableText(edge.rule, 200),
    severity: edge.severity,
    labels: Object.fromEntries(
      labels.map(([name, value]) => [storableText(name, 200), storableText(value, 1_000)]),
    ),
    summary: storableText(edge.summary, 2_000),
    remedy: storableText(edge.remedy, 2_000),
    link: edge.link === null ? null : storableText(edge.link, 2_000),
    started_at: edge.startedAt.toISOString(),
  };
}

export function factsOf({ started_at, ...facts }: FactsRow): Facts {
  return Object.freeze({ ...facts, startedAt: new Date(started_at) });
}
