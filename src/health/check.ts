import { AbortReason } from '../foundation/abort.js';
import { isSignalboxError } from '../foundation/errors.js';

/** `degraded`: something is wrong, and what was accepted is still safe and still answered for. */
export type HealthStatus = 'healthy' | 'degraded' | 'unhealthy';

/** One dependency that the process can ask whether it is there. */
export interface HealthCheck {
  /** Lower case, unique: the key under which it is reported. */
  readonly name: string;
  /** Whether the process can do nothing without it. The failure of any other check makes the whole `degraded` only. */
  readonly essential: boolean;
  /**
   * Resolves when the dependency does its work. The signal fires when nobody waits for the answer any more.
   * Throws a CheckFailure to say in its own words what is wrong.
   */
  run(signal: AbortSignal): Promise<void>;
}

/** What a check found. Its message is shown as it is: no hosts, no paths, no texts of others, which belong in the cause. */
export class CheckFailure extends Error {
  readonly status: 'degraded' | 'unhealthy';

  constructor(status: 'degraded' | 'unhealthy', message: string, options?: { readonly cause?: unknown }) {
    super(message, options);
    this.name = 'CheckFailure';
    this.status = status;
  }
}

/** What may be shown of a failure: hosts, paths and texts of others are for the log. */
export function shownReason(error: unknown): string {
  if (error instanceof AbortReason || error instanceof CheckFailure) return error.message;
  return isSignalboxError(error) ? error.title : 'The check failed; the log says why.';
}

export interface CheckResult {
  readonly name: string;
  readonly essential: boolean;
  readonly status: HealthStatus;
  /** How long the answer took; `null` when there was none, or not the right one. */
  readonly latencyMs: number | null;
  /** When the answer came, or was given up. */
  readonly measuredAt: Date;
  /** What is wrong, without hosts, paths and texts of others: those are in the log. */
  readonly error: string | null;
}

export interface HealthReport {
  /** `unhealthy` when an essential check is; `degraded` when anything else is wrong. */
  readonly status: HealthStatus;
  readonly at: Date;
  readonly checks: readonly CheckResult[];
}
