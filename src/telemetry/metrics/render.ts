import type { AnyFamily, Series } from './family.js';
import { boundText, type Format, headText, numberText } from './format.js';
import { type Exemplar, HistogramSeries } from './series.js';

/** All series of these metrics, one piece each. A metric without series shows its name and type all the same. */
export function* familyTexts(families: Iterable<AnyFamily>, format: Format): Generator<string> {
  for (const family of families) {
    const { declaration } = family;
    yield headText(format, declaration);
    const bounds = declaration.type === 'histogram' ? declaration.buckets.map(boundText) : [];
    for (const one of family.series()) yield seriesText(declaration.name, one, bounds, format);
  }
}

function seriesText(name: string, series: Series, bounds: readonly string[], format: Format): string {
  if (series instanceof HistogramSeries) return histogramText(name, series, bounds, format);
  return `${name}${braced(series.labels)} ${numberText(series.value)}\n`;
}

function histogramText(
  name: string,
  series: HistogramSeries,
  bounds: readonly string[],
  format: Format,
): string {
  const { labels, counts, sum } = series;
  const exemplars = format === 'openmetrics' ? series.exemplars : undefined;
  const prefix = `${name}_bucket{${labels}${labels === '' ? '' : ','}le="`;
  let text = '';
  let total = 0;
  for (let n = 0; n < counts.length; n += 1) {
    total += counts[n] ?? 0;
    text += `${prefix}${bounds[n] ?? '+Inf'}"} ${total}${exemplarText(exemplars?.[n])}\n`;
  }
  return `${text}${name}_sum${braced(labels)} ${numberText(sum)}\n${name}_count${braced(labels)} ${total}\n`;
}

function exemplarText(exemplar: Exemplar | undefined): string {
  if (exemplar === undefined) return '';
  const { traceId, value, at } = exemplar;
  return ` # {trace_id="${traceId}"} ${numberText(value)} ${(at / 1_000).toFixed(3)}`;
}

function braced(labels: string): string {
  return labels === '' ? '' : `{${labels}}`;
}
