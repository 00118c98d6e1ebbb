import { AbortReason, waitOrAbort } from '../foundation/abort.js';
import { isSignalboxError, messageOf } from '../foundation/errors.js';
import type { Logger } from '../foundation/logger.js';
import type { CheckResult, HealthCheck, HealthReport } from './check.js';

export interface HealthOptions {
  readonly checks: readonly HealthCheck[];
  readonly logger: Logger;
  /** Longest that one check may take, milliseconds. @default 2000 */
  readonly timeoutMs?: number;
}

/** Asks every dependency at once. Callers at the same moment share one round; no answer is ever reused. */
export class HealthService {
  readonly #options: HealthOptions;
  #round: Promise<HealthReport> | undefined;

  /** @throws TypeError when two checks have one name: one of them would vanish from every report. */
  constructor(options: HealthOptions) {
    const names = options.checks.map((check) => check.name);
    const twice = names.find((name, index) => names.indexOf(name) !== index);
    if (twice !== undefined) throw new TypeError(`Two health checks are named ${twice}.`);
    this.#options = options;
  }

  /** Never rejects. */
  async report(): Promise<HealthReport> {
    this.#round ??= this.#ask().finally(() => {
      this.#round = undefined;
    });
    return this.#round;
  }

  async #ask(): Promise<HealthReport> {
    const at = new Date();
    const checks = await Promise.all(this.#options.checks.map((check) => this.#run(check)));
    return Object.freeze({
      healthy: checks.every((check) => check.healthy),
      at,
      checks: Object.freeze(checks),
    });
  }

  async #run(check: HealthCheck): Promise<CheckResult> {
    const { timeoutMs = 2_000, logger } = this.#options;
    const controller = new AbortController();
    const timer = setTimeout(
      () => controller.abort(new AbortReason('timeout', `no answer within ${timeoutMs} ms`)),
      timeoutMs,
    );
    const started = performance.now();
    const result = (error: string | null): CheckResult => {
      const latencyMs = Math.round((performance.now() - started) * 10) / 10;
      return Object.freeze({ name: check.name, healthy: error === null, latencyMs, error });
    };
    try {
      // The race, because a check that ignores its signal must not hold up the report.
      await waitOrAbort(
        Promise.resolve().then(() => check.run(controller.signal)),
        controller.signal,
      );
      return result(null);
    } catch (error) {
      logger.warn({ check: check.name, error: messageOf(error) }, 'a health check failed');
      return result(publicReason(error));
    } finally {
      clearTimeout(timer);
    }
  }
}

function publicReason(error: unknown): string {
  if (error instanceof AbortReason) return error.message;
  return isSignalboxError(error) ? error.title : 'The check failed; the log says why.';
}
