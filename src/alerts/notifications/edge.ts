import { createHash } from 'node:crypto';
import type { Alert } from '../alert.js';
import type { Severity } from '../rule.js';

/** One change of an alert, recorded in the same transaction as the change. */
export interface AlertEdge {
  /** UUID of this period of firing; its recovery has the same. */
  readonly alertId: string;
  readonly rule: string;
  readonly severity: Severity;
  readonly labels: Readonly<Record<string, string>>;
  readonly state: 'firing' | 'resolved';
  readonly startedAt: Date;
  /** When it changed, by the database's clock. */
  readonly at: Date;
  readonly summary: string;
  readonly remedy: string;
  /** Absolute URL of the console, if there is one. */
  readonly link: string | null;
}

/** The same for every firing of a rule with the same labels, in whatever order they are given. */
export function fingerprintOf(rule: string, labels: Readonly<Record<string, string>>): string {
  const sorted = Object.entries(labels).sort(([a], [b]) => (a < b ? -1 : 1));
  return createHash('sha256')
    .update(JSON.stringify([rule, sorted]))
    .digest('hex')
    .slice(0, 32);
}

/** What is told of an alert that began to fire, or ended, in the evaluation at that time. */
export function edgeOf(alert: Alert, at: Date): AlertEdge {
  const { id, rule, severity, labels, state, since, summary, remedy } = alert;
  return Object.freeze({
    alertId: id,
    rule,
    severity,
    labels,
    state: state === 'resolved' ? 'resolved' : 'firing',
    startedAt: since,
    at,
    summary,
    remedy,
    link: null,
  });
}
