import type { Severity } from '../rule.js';

/** What an alert was when its edge was recorded: what every message about it says. */
export interface Facts {
  readonly rule: string;
  readonly severity: Severity;
  readonly labels: Readonly<Record<string, string>>;
  readonly summary: string;
  readonly remedy: string;
  /** Absolute URL of the console, if there is one. */
  readonly link: string | null;
  readonly startedAt: Date;
}
