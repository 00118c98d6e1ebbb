import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { withMetricsTable } from '../src/app/metrics-table.js';
import { metricDeclarations } from '../src/app/modules.js';
import { askedBy } from '../src/telemetry/metrics/testing/promql.js';
import { hasPrometheus } from './support/prometheus.js';
import { faultsOf } from './support/promql-faults.js';

const page = readFileSync(fileURLToPath(new URL('../docs/metrics.md', import.meta.url)), 'utf8');

/** `there` and `here` of every row of the table. */
const rows = (page.split('## Coming from another system')[1] ?? '')
  .split('\n')
  .filter((line) => line.startsWith('| ') && !line.startsWith('| ---') && !line.startsWith('| there'))
  .map((line) => line.split(' | ').map((cell) => cell.replace(/^\| | \|$/g, '')));

const queries = rows.flatMap(([, here = '']) =>
  [...here.matchAll(/`([^`]+)`/g)].map(([, query = '']) => query),
);

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

  it.skipIf(!hasPrometheus)('has queries that Prometheus can read', () => {
    const folder = mkdtempSync(join(tmpdir(), 'signalbox-promql-'));
    const rules = queries.map((expr, n) => ({ record: `query:${n}`, expr }));
    writeFileSync(join(folder, 'rules.yml'), JSON.stringify({ groups: [{ name: 'queries', rules }] }));
    const { status, stdout, stderr } = spawnSync('promtool', ['check', 'rules', 'rules.yml'], {
      cwd: folder,
      encoding: 'utf8',
    });
    rmSync(folder, { recursive: true });
    expect(stderr + stdout).toContain('SUCCESS');
    expect(status).toBe(0);
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
