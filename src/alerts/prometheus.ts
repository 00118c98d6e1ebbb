import type { PrometheusForm, RuleTraits, Severity } from './rule.js';

/** A rule that Prometheus alone can judge: it sees from outside what a process cannot say of itself. */
interface OutsideRule {
  readonly name: string;
  readonly severity: Severity;
  readonly help: string;
  readonly remedy: string;
  readonly prometheus: Required<PrometheusForm>;
}

const outsideRules: readonly OutsideRule[] = [
  {
    name: 'ProcessDown',
    severity: 'critical',
    help: 'A process of Signalbox cannot be scraped.',
    remedy: 'Look whether it runs, and at its log.',
    prometheus: { expr: 'up{job="signalbox"} == 0', forMs: 30_000 },
  },
  {
    name: 'MetricsStale',
    severity: 'critical',
    help: 'A process has not read the state of the whole system for a minute: the database does not answer it.',
    remedy: 'Look at the database, and at the log of the process.',
    prometheus: { expr: 'signalbox_cluster_age_seconds > 60', forMs: 10_000 },
  },
];

/** Names of the rules in the file, in its order. */
export function prometheusNames(rules: readonly RuleTraits[]): string[] {
  return toldTo(rules).map(({ name }) => name);
}

/** The rule file for Prometheus. YAML; every text in it stands as a JSON string, which YAML reads as it is. */
export function prometheusRuleFile(rules: readonly RuleTraits[]): string {
  const entries = toldTo(rules).map(({ name, severity, help, remedy, page, expr, forMs }) =>
    [
      `      - alert: ${name}`,
      `        expr: ${JSON.stringify(expr)}`,
      `        for: ${forMs / 1_000}s`,
      `        labels: { severity: ${severity} }`,
      '        annotations:',
      `          summary: ${JSON.stringify(help)}`,
      `          description: ${JSON.stringify(remedy)}`,
      `          console: ${JSON.stringify(`/admin/dashboard${page}`)}`,
    ].join('\n'),
  );
  return `${[
    '# Made by `npm run docs` from the rules in the code; a test compares it with them.',
    'groups:',
    '  - name: signalbox',
    '    interval: 10s',
    '    rules:',
    ...entries,
  ].join('\n')}\n`;
}

function toldTo(rules: readonly RuleTraits[]) {
  const ours = rules.flatMap(({ prometheus, ...rule }) =>
    prometheus === null ? [] : [{ ...rule, expr: prometheus.expr, forMs: prometheus.forMs ?? rule.forMs }],
  );
  const outside = outsideRules.map(({ prometheus, ...rule }) => ({ ...rule, ...prometheus, page: '/' }));
  return [...ours, ...outside];
}
