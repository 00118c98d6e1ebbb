import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { collectDefaultMetrics, Registry } from 'prom-client';
import { describe, expect, it } from 'vitest';
import { withMetricsTable } from '../src/app/metrics-table.js';
import { metricDeclarations } from '../src/app/modules.js';
import type { LabelRule } from '../src/telemetry/metrics/declaration.js';
import { askedBy } from '../src/telemetry/metrics/testing/promql.js';

const page = readFileSync(fileURLToPath(new URL('../docs/metrics.md', import.meta.url)), 'utf8');

/** `there` and `here` of every row of the table. */
const rows = (page.split('## Coming from another system')[1] ?? '')
  .split('\n')
  .filter((line) => line.startsWith('| ') && !line.startsWith('| ---') && !line.startsWith('| there'))
  .map((line) => line.split(' | ').map((cell) => cell.replace(/^\| | \|$/g, '')));

const queries = rows.flatMap(([, here = '']) =>
  [...here.matchAll(/`([^`]+)`/g)].map(([, query = '']) => query),
);

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
function faultsOf(query: string): string[] {
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

describe('the page of the metrics', () => {
  it('has the table that the declarations make', () => {
    expect(page, 'run `npm run docs`').toBe(withMetricsTable(page));
    for (const { name } of metricDeclarations) expect(page).toContain(`| \`${name}\` |`);
  });

  it('says of everything that the other systems had what it is here', () => {
    const there = rows.map(([first = '']) => first.replaceAll('`', ''));
    expect(there).toEqual(
      expect.arrayContaining([
        'apalis_jobs_total',
        'apalis_jobs_duration_seconds',
        'apalis_jobs_failed_total',
        'apalis_active_jobs',
        'http_requests_total',
        'http_request_duration_seconds',
        'rate(apalis_jobs_total[5m])',
        'sum(apalis_jobs_failed_total)',
        'histogram_quantile(0.95, rate(apalis_jobs_duration_seconds_bucket[5m]))',
        'sum(apalis_active_jobs)',
        'sum by (status) (apalis_jobs_total)',
        'gatewayz_health_tracked_models',
      ]),
    );
    for (const [first, here = ''] of rows) expect(here, first).toMatch(/`|belongs to the gateway/);
  });

  it.each(queries)('%s asks for what there is', (query) => {
    expect(faultsOf(query)).toEqual([]);
    expect(askedBy(query).metrics).not.toEqual([]);
    expect(query).not.toContain('vector(0)');
  });

  it.each([
    ['rate(signalbox_jobs_done_total[5m])', 'there is no metric signalbox_jobs_done_total'],
    ['sum(rate(signalbox_job_run_seconds[5m]))', 'is a histogram'],
    ['signalbox_jobs_finished_total{status="failed"}', 'has no label status'],
    ['signalbox_jobs_finished_total{outcome="dead"}', 'is never dead'],
    ['sum by (kind) (signalbox_jobs_finished_total)', 'has the label kind'],
    ['sum(signalbox_workers)', 'once for each replica'],
    ['max by (queue) (signalbox_queue_jobs{state=~"waiting|sleeping"})', 'is never waiting|sleeping'],
    ['http_request_duration_seconds_count{le="0.5"}', 'has no label le'],
  ])('would not let pass: %s', (query, fault) => {
    expect(faultsOf(query).join('; ')).toContain(fault);
  });
});
