import type { Severity } from './rule.js';

/**
 * A condition from the moment it was first seen.
 *
 * | state      | comes there                              | leaves it                                       | a crash                                   |
 * | ---------- | ---------------------------------------- | ----------------------------------------------- | ----------------------------------------- |
 * | `pending`  | the condition is seen                    | `firing` once it has held for the rule's time; forgotten when it ends before | goes on from where it was                 |
 * | `firing`   | it has held for the rule's time: told    | `resolved` when it has ended                    | goes on from where it was, told once      |
 * | `resolved` | it has ended: told to whoever was told   | never: the same condition is a new alert        | nothing                                   |
 *
 * While it cannot be known whether the condition holds, nothing moves.
 */
export interface Alert {
  readonly id: string;
  readonly rule: string;
  readonly labels: Readonly<Record<string, string>>;
  readonly severity: Severity;
  readonly state: 'pending' | 'firing' | 'resolved';
  readonly value: number | null;
  readonly summary: string;
  readonly remedy: string;
  /** Page of the console, below `/admin/dashboard`. */
  readonly page: string | null;
  /** The condition was first seen. */
  readonly since: Date;
  /** An evaluation last saw it. */
  readonly seenAt: Date;
  readonly firedAt: Date | null;
  readonly resolvedAt: Date | null;
  readonly acknowledgedAt: Date | null;
  readonly acknowledgedBy: string | null;
}

/** What an evaluation changes. */
export interface AlertMoves {
  /** Rows to write as they are here, new ones included. */
  readonly kept: readonly Alert[];
  /** Pending ones whose condition ended. */
  readonly forgotten: readonly Alert[];
  /** Those of `kept` that began to fire or were resolved in this evaluation. */
  readonly edges: readonly Alert[];
}
