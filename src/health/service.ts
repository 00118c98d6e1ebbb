import { AbortReason } from '../foundation/abort.js';
import { isSignalboxError, messageOf } from '../foundation/errors.js';
import type { Logger } from '../foundation/logger.js';
import { CheckFailure, type CheckResult, type HealthCheck, type HealthReport } from './check.js';
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
  readonly #logger: Logger;
  readonly #reads: readonly { readonly check: HealthCheck; readonly read: SharedRead<Answer> }[];
  /** What the log was last told of each check that fails. */
  readonly #told = new Map<string, string>();

  /** @throws TypeError when two checks have one name: one of them would vanish from every report. */
  constructor({ checks, logger, timeoutMs = 2_000 }: HealthOptions) {
    const names = checks.map((check) => check.name);
    const twice = names.find((name, index) => names.indexOf(name) !== index);
    if (twice !== undefined) throw new TypeError(`Two health checks are named ${twice}.`);
    this.#logger = logger;
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
      if (this.#told.delete(name)) this.#logger.info({ check: name }, 'a health check is well again');
      return Object.freeze({ name, essential, status: 'healthy', ...answer, error: null });
    } catch (error) {
      this.#tell(name, error);
      const status = error instanceof CheckFailure ? error.status : 'unhealthy';
      const measuredAt = new Date();
      return Object.freeze({ name, essential, status, latencyMs: null, measuredAt, error: textOf(error) });
    }
  }

  /** Once for each change: whoever polls every second must not fill the log with one outage. */
  #tell(name: string, error: unknown): void {
    const cause = error instanceof CheckFailure && error.cause !== undefined ? messageOf(error.cause) : null;
    const text = messageOf(error);
    const told = `${text}\n${cause}`;
    if (this.#told.get(name) === told) return;
    this.#told.set(name, told);
    this.#logger.warn(
      { check: name, error: text, ...(cause === null ? {} : { cause }) },
      'a health check failed',
    );
  }
}

async function timed(check: HealthCheck, signal: AbortSignal): Promise<Answer> {
  const started = performance.now();
  await check.run(signal);
  const latencyMs = Math.round((performance.now() - started) * 10) / 10;
  return Object.freeze({ latencyMs, measuredAt: new Date() });
}

function textOf(error: unknown): string {
  if (error instanceof AbortReason || error instanceof CheckFailure) return error.message;
  return isSignalboxError(error) ? error.title : 'The check failed; the log says why.';
}
