import type { Logger } from '../foundation/logger.js';
import { CheckFailure, type CheckResult, type HealthCheck, type HealthReport, shownReason } from './check.js';
import { OutageLog } from './outage-log.js';
import { SharedRead } from './shared-read.js';

export interface HealthOptions {
  readonly checks: readonly HealthCheck[];
  readonly logger: Logger;
  /** Longest that one check may take, milliseconds. @default 2000 */
  readonly timeoutMs?: number;
}

type Answer = Pick<CheckResult, 'latencyMs' | 'measuredAt'>;

/**
 * Asks every dependency at once. Callers at the same moment share one question to each; no answer is ever reused, and a
 * slow dependency makes nobody's answer about another one old.
 */
export class HealthService {
  readonly #outages: OutageLog;
  readonly #reads: readonly { readonly check: HealthCheck; readonly read: SharedRead<Answer> }[];

  /** @throws TypeError when two checks have one name: one of them would vanish from every report. */
  constructor({ checks, logger, timeoutMs = 2_000 }: HealthOptions) {
    const names = checks.map((check) => check.name);
    const twice = names.find((name, index) => names.indexOf(name) !== index);
    if (twice !== undefined) throw new TypeError(`Two health checks are named ${twice}.`);
    this.#outages = new OutageLog(logger);
    this.#reads = checks.map((check) => ({
      check,
      read: new SharedRead({ timeoutMs, read: (signal) => timed(check, signal) }),
    }));
  }

  /** Never rejects. */
  async report(): Promise<HealthReport> {
    const at = new Date();
    const checks = await Promise.all(this.#reads.map(({ check, read }) => this.#run(check, read)));
    const unwell = checks.filter(({ status }) => status !== 'healthy');
    const unhealthy = unwell.some(({ essential, status }) => essential && status === 'unhealthy');
    const status = unhealthy ? 'unhealthy' : unwell.length > 0 ? 'degraded' : 'healthy';
    return Object.freeze({ status, at, checks: Object.freeze(checks) });
  }

  async #run(check: HealthCheck, read: SharedRead<Answer>): Promise<CheckResult> {
    const { name, essential } = check;
    try {
      const answer = await read.get();
      this.#outages.well(name);
      return Object.freeze({ name, essential, status: 'healthy', ...answer, error: null });
    } catch (error) {
      this.#outages.failed(name, error);
      const status = error instanceof CheckFailure ? error.status : 'unhealthy';
      const measuredAt = new Date();
      return Object.freeze({
        name,
        essential,
        status,
        latencyMs: null,
        measuredAt,
        error: shownReason(error),
      });
    }
  }
}

async function timed(check: HealthCheck, signal: AbortSignal): Promise<Answer> {
  const started = performance.now();
  await check.run(signal);
  const latencyMs = Math.round((performance.now() - started) * 10) / 10;
  return Object.freeze({ latencyMs, measuredAt: new Date() });
}
