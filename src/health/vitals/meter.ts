import type { Database } from '../../database/database.js';
import { AbortReason, waitOrAbort } from '../../foundation/abort.js';
import type { EventLoopLag } from '../../telemetry/metrics/process/event-loop-lag.js';
import { CheckFailure, type HealthCheck } from '../check.js';
import type { Beat } from '../pulse/database-pulse.js';
import { processLimits } from './limits.js';
import type { Vitals } from './vitals.js';

/** Where a process reads how it fares: what is measured already is not measured again. */
export interface VitalsSources {
  readonly database: Pick<Database, 'connections' | 'poolSize'>;
  readonly pulse: { readonly last: Beat | undefined };
  readonly lag: Pick<EventLoopLag, 'read'>;
  /** `undefined`: none is configured. */
  readonly redis?: HealthCheck | undefined;
  /** What a server answered in the last five minutes; `undefined`: this is none. */
  readonly requests?: () => { readonly samples: number; readonly p95Ms: number | null } | undefined;
}

const redisTimeoutMs = 2_000;
/** Less than this says more of the turn than of the process. */
const shortestMs = 100;

/** Reads the vitals of its own process. */
export class VitalsMeter {
  readonly #sources: VitalsSources;
  #since = { at: performance.now(), cpu: process.cpuUsage() };

  constructor(sources: VitalsSources) {
    this.#sources = sources;
  }

  /** Never rejects. Processor time is that since the last call. */
  async read(): Promise<Vitals> {
    const { database, pulse, lag, requests } = this.#sources;
    const redis = await this.#redis();
    const limits = processLimits();
    const { total, idle, waiting } = database.connections;
    const late = lag.read();
    const figures = requests?.();
    return Object.freeze({
      rssBytes: process.memoryUsage.rss(),
      memoryLimitBytes: limits.memoryBytes,
      cpuShare: this.#cpuShare(limits.cpus),
      loopLagP99Ms: late === undefined ? null : late['99'] * 1_000,
      databasePingMs: pulse.last?.ms ?? null,
      ...redis,
      poolSize: database.poolSize,
      poolInUse: total - idle,
      poolWaiting: waiting,
      httpSamples: figures?.samples ?? null,
      httpP95Ms: figures?.p95Ms ?? null,
    });
  }

  #cpuShare(cpus: number): number | null {
    const { at, cpu } = this.#since;
    const now = performance.now();
    if (now - at < shortestMs) return null;
    const { user, system } = process.cpuUsage(cpu);
    this.#since = { at: now, cpu: process.cpuUsage() };
    return Math.min((user + system) / 1_000 / ((now - at) * cpus), 1);
  }

  async #redis(): Promise<Pick<Vitals, 'redisUp' | 'redisPingMs'>> {
    const { redis } = this.#sources;
    if (redis === undefined) return { redisUp: null, redisPingMs: null };
    const controller = new AbortController();
    const late = new AbortReason('timeout', `no answer within ${redisTimeoutMs} ms`);
    const timer = setTimeout(() => controller.abort(late), redisTimeoutMs);
    const begun = performance.now();
    try {
      await waitOrAbort(redis.run(controller.signal), controller.signal);
      return { redisUp: true, redisPingMs: performance.now() - begun };
    } catch (error) {
      // Why, the health check tells the log. Without the package to ask it, nothing is known of it.
      const unknown = error instanceof CheckFailure && error.status === 'degraded';
      return { redisUp: unknown ? null : false, redisPingMs: null };
    } finally {
      clearTimeout(timer);
    }
  }
}
