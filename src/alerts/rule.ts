export const severities = ['info', 'warning', 'critical'] as const;
export type Severity = (typeof severities)[number];

/** One thing for which a rule's condition holds now. */
export interface Observation {
  /** What tells it from the others of the same rule. Few values, no ids: `{ queue: 'default' }`. */
  readonly labels: Readonly<Record<string, string>>;
  /** In the unit of the rule; `null` where there is no number. */
  readonly value: number | null;
  /** One sentence: what is wrong. */
  readonly summary: string;
  /** One sentence: what to do, where that can be said better than the rule does. */
  readonly remedy?: string;
}

/** The same condition for Prometheus, which judges it by what it scraped. */
export interface PrometheusForm {
  /** Must give the labels of the observations. Values of scope `cluster` are taken with `max by`. */
  readonly expr: string;
  /** Where the condition cannot look back by itself. @default the rule's */
  readonly forMs?: number;
}

/** A condition that somebody is told of. Declared once. */
export interface AlertRule<Facts> {
  /** In UpperCamelCase, unique. */
  readonly name: string;
  readonly severity: Severity;
  /** How long it must hold before it is told, milliseconds. */
  readonly forMs: number;
  /** What it is about, for the page of rules. */
  readonly help: string;
  /** One sentence: what to do. */
  readonly remedy: string;
  /** `null`: nothing that is scraped tells it. */
  readonly prometheus: PrometheusForm | null;
  /** Page of the console that shows it, below `/admin/dashboard`. */
  readonly page: string;
  /** What the condition holds for now; `null` while that is not known: then its alerts stay as they are. */
  observe(facts: Facts): readonly Observation[] | null;
}

/** The parts of a rule that do not depend on what it looks at. */
export type RuleTraits = Omit<AlertRule<never>, 'observe'>;
