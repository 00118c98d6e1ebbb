/** One dependency that the process can ask whether it is there. */
export interface HealthCheck {
  /** Lower case, unique: the key under which it is reported. */
  readonly name: string;
  /** Resolves when the dependency does its work. The signal fires when nobody waits for the answer any more. */
  run(signal: AbortSignal): Promise<void>;
}

export interface CheckResult {
  readonly name: string;
  readonly healthy: boolean;
  readonly latencyMs: number;
  /** What is wrong, fit for anybody's eyes: hosts, paths and texts of others stay in the log. */
  readonly error: string | null;
}

export interface HealthReport {
  readonly healthy: boolean;
  readonly at: Date;
  readonly checks: readonly CheckResult[];
}
