import type { LabelRule, MetricDeclaration } from '../telemetry/metrics/declaration.js';
import { boundText } from '../telemetry/metrics/format.js';
import { metricDeclarations } from './modules.js';

const begin = '<!-- table:begin -->';
const end = '<!-- table:end -->';

/** The page of the metrics with its table made anew; what people wrote around it stays. */
export function withMetricsTable(page: string): string {
  const [before, after] = [page.split(begin)[0] ?? '', page.split(end)[1] ?? ''];
  return `${before}${begin}\n\n${metricsTable()}\n\n${end}${after}`;
}

function metricsTable(): string {
  const rows = metricDeclarations.map(
    (metric) =>
      `| \`${metric.name}\` | ${metric.type}, ${metric.scope === 'cluster' ? 'system' : 'process'} | ${labelsOf(metric)} | ${cell(metric.help)}${bucketsOf(metric)} | \`${metric.writer}\` |`,
  );
  return [
    '| metric | type | labels | what it is | written by |',
    '| --- | --- | --- | --- | --- |',
    ...rows,
    '',
    '| label | of | values |',
    '| --- | --- | --- |',
    ...labelRows(),
  ].join('\n');
}

function labelsOf({ labels }: MetricDeclaration): string {
  return Object.keys(labels)
    .map((label) => `\`${label}\``)
    .join(', ');
}

/** One row for each label and what its values are; metrics that share it stand together. */
function labelRows(): string[] {
  const metrics = new Map<string, string[]>();
  for (const { name, labels } of metricDeclarations) {
    for (const [label, rule] of Object.entries(labels)) {
      const key = `\`${label}\`\n${valuesOf(rule)}`;
      metrics.set(key, [...(metrics.get(key) ?? []), `\`${name}\``]);
    }
  }
  return [...metrics]
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([key, names]) => {
      const [label, values] = key.split('\n');
      return `| ${label} | ${names.length > 4 ? `${names.length} metrics` : names.join(', ')} | ${values} |`;
    });
}

function valuesOf(rule: LabelRule): string {
  if ('values' in rule) return rule.values.map((value) => `\`${value}\``).join(', ');
  return `${cell(rule.of)}; at most ${rule.atMost.toLocaleString('en')}`;
}

function bucketsOf(metric: MetricDeclaration): string {
  if (metric.type !== 'histogram') return '';
  return ` Buckets: ${metric.buckets.map((bound) => boundText(bound).replace(/\.0$/, '')).join(', ')}.`;
}

function cell(text: string): string {
  return text.replaceAll('|', '\\|');
}
