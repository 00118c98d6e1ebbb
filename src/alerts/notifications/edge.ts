import { createHash } from 'node:crypto';
import type { Alert } from '../alert.js';
import type { Facts } from './facts.js';

/** One change of an alert, recorded in the same transaction as the change. */
export interface AlertEdge extends Facts {
  /** UUID of this period of firing; its recovery has the same. */
  readonly alertId: string;
  readonly state: 'firing' | 'resolved';
  /** When it changed, by the database's clock. */
  readonly at: Date;
}

/** The same for every firing of a rule with the same labels, in whatever order they are given. */
export function fingerprintOf(rule: string, labels: Readonly<Record<string, string>>): string {
  const sorted = Object.entries(labels).sort(([a], [b]) => (a < b ? -1 : 1));
  return createHash('sha256')
    .update(JSON.stringify([rule, sorted]))
    .digest('hex')
    .slice(0, 32);
}

/**
 * What is told of an alert that began to fire, or ended, in the evaluation at that time.
 * @param consoleUrl where the console is, `null` when nobody said; an alert stands on its first page while it fires
 */
export function edgeOf(alert: Alert, at: Date, consoleUrl: string | null): AlertEdge {
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
    link: consoleUrl === null ? null : `${consoleUrl}#alert-${id}`,
  });
}
