import { spawnSync } from 'node:child_process';
import { copyFileSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { prometheusNames } from '../src/alerts/prometheus.js';
import { alertRules } from '../src/app/modules.js';
import { prometheusRules } from '../src/app/reference.js';
import { type RuleExample, ruleExamples } from './support/prometheus-examples.js';
import { faultsOf } from './support/promql-faults.js';

const file = fileURLToPath(new URL('../deploy/prometheus/signalbox.rules.yml', import.meta.url));
const hasPromtool = spawnSync('promtool', ['--version']).status === 0;

let folder: string;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'signalbox-promtool-'));
  copyFileSync(file, join(folder, 'rules.yml'));
});
afterAll(() => rmSync(folder, { recursive: true }));

function promtool(...args: string[]): { status: number | null; said: string } {
  const { status, stdout, stderr } = spawnSync('promtool', args, { cwd: folder, encoding: 'utf8' });
  return { status, said: stdout + stderr };
}

/** The rules of the file, as they stand in it. */
function written(): Map<string, { severity: string; annotations: Record<string, string> }> {
  const found = new Map<string, { severity: string; annotations: Record<string, string> }>();
  for (const block of readFileSync(file, 'utf8').split('- alert: ').slice(1)) {
    const annotations = Object.fromEntries(
      [...block.matchAll(/^ {10}(\w+): (".*")$/gm)].map(([, key = '', text = '']) => [key, JSON.parse(text)]),
    );
    const severity = /severity: (\w+)/.exec(block)?.[1] ?? '';
    found.set(block.split('\n')[0] ?? '', { severity, annotations });
  }
  return found;
}

/** JSON is YAML. */
function unitTest({ rule, series, labels, ...when }: RuleExample, interval: string): object {
  const { severity = '', annotations = {} } = written().get(rule) ?? {};
  const firing = [{ exp_labels: { severity, ...labels }, exp_annotations: annotations }];
  const at = (seconds: number, alerts: readonly object[]) => ({
    eval_time: `${seconds}s`,
    alertname: rule,
    exp_alerts: alerts,
  });
  return {
    name: rule,
    interval,
    input_series: Object.entries(series).map(([one, values]) => ({ series: one, values })),
    alert_rule_test: [
      ...(when.pendingAt === undefined ? [] : [at(when.pendingAt, [])]),
      at(when.firingAt, firing),
      at(when.resolvedAt, []),
    ],
  };
}

describe('the alert rules for Prometheus', () => {
  it('are those of the code', () => {
    expect(readFileSync(file, 'utf8'), 'run `npm run docs`').toBe(prometheusRules());
    expect([...written().keys()]).toEqual(prometheusNames(alertRules));
  });

  it('have an example each, of firing and of its end', () => {
    expect(ruleExamples.map(({ rule }) => rule).sort()).toEqual(prometheusNames(alertRules).sort());
  });

  it.each(
    alertRules.flatMap(({ name, prometheus }) => (prometheus === null ? [] : [[name, prometheus.expr]])),
  )('%s asks for what there is', (_name, expr) => {
    expect(faultsOf(expr ?? '')).toEqual([]);
    expect(expr).not.toContain('vector(0)');
  });

  it.skipIf(!hasPromtool)('are valid', () => {
    expect(promtool('check', 'rules', 'rules.yml')).toMatchObject({ status: 0 });
  });

  it.skipIf(!hasPromtool).each(ruleExamples)('$rule fires and resolves', (example) => {
    const name = `${example.rule}.test.yml`;
    const interval = `${example.everySeconds ?? 10}s`;
    const tests = [unitTest(example, interval)];
    const all = { rule_files: ['rules.yml'], evaluation_interval: interval, tests };
    writeFileSync(join(folder, name), JSON.stringify(all));
    const { status, said } = promtool('test', 'rules', name);
    expect(said).toContain('SUCCESS');
    expect(status).toBe(0);
  });
});
