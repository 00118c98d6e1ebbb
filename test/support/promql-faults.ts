import { collectDefaultMetrics, Registry } from 'prom-client';
import { metricDeclarations } from '../../src/app/modules.js';
import type { LabelRule } from '../../src/telemetry/metrics/declaration.js';
import { askedBy } from '../../src/telemetry/metrics/testing/promql.js';

const node = new Registry();
collectDefaultMetrics({ register: node });
/** `up` is of Prometheus itself. */
const foreign = new Set(['up', ...node.getMetricsAsArray().map(({ name }) => name)]);

interface Found {
  readonly labels: Readonly<Record<string, LabelRule>>;
  readonly scope: string;
  /** Named without one of its suffixes. */
  readonly histogram: boolean;
}

function declared(name: string): Found | undefined {
  const exact = metricDeclarations.find((metric) => metric.name === name && metric.type !== 'histogram');
  if (exact !== undefined) return { ...exact, histogram: false };
  const [, base, suffix] = /^(.*)_(bucket|sum|count)$/.exec(name) ?? [];
  const found = metricDeclarations.find(
    ({ name: of, type }) => of === (base ?? name) && type === 'histogram',
  );
  if (found === undefined) return undefined;
  const le = suffix === 'bucket' ? { le: { of: 'its buckets', atMost: 100 } } : {};
  return { labels: { ...found.labels, ...le }, scope: found.scope, histogram: base === undefined };
}

/** Everything that an expression asks for and that is not there. */
export function faultsOf(query: string): string[] {
  const { metrics, grouping } = askedBy(query);
  const faults: string[] = [];
  const known = new Set(['job', 'instance']);
  for (const { name, matchers, taken } of metrics) {
    if (foreign.has(name)) continue;
    const metric = declared(name);
    if (metric === undefined) {
      faults.push(`there is no metric ${name}`);
      continue;
    }
    for (const label of Object.keys(metric.labels)) known.add(label);
    // Alone it is a name to look up; in an expression it is no series.
    if (metric.histogram && query !== name) faults.push(`${name} is a histogram and no series`);
    if (metric.scope === 'cluster' && !taken) faults.push(`${name} is counted once for each replica`);
    for (const { label, operator, value } of matchers) {
      const rule = metric.labels[label];
      if (rule === undefined) faults.push(`${name} has no label ${label}`);
      else if ('values' in rule && !rule.values.some((one) => matches(operator, value, one)))
        faults.push(`${label} of ${name} is never ${value}`);
    }
  }
  for (const label of grouping) if (!known.has(label)) faults.push(`nothing in it has the label ${label}`);
  return faults;
}

function matches(operator: string, wanted: string, value: string): boolean {
  return operator.endsWith('~') ? new RegExp(`^(${wanted})$`).test(value) : wanted === value;
}
