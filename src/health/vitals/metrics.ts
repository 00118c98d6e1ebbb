import { gauge } from '../../telemetry/metrics/declaration.js';
import type { MetricRegistry } from '../../telemetry/metrics/registry.js';
import type { Beat } from '../pulse/database-pulse.js';
import { processLimits } from './limits.js';
import type { Vitals } from './vitals.js';

const common = { labels: {}, writer: 'src/health/vitals', scope: 'process' } as const;

/** Of this process: what it may have, and how what it depends on answers it. */
export const vitalsMetrics = Object.freeze({
  memoryLimit: gauge({
    name: 'signalbox_process_memory_limit_bytes',
    help: 'Memory that the process may have: of its control group, else of the machine.',
    unit: 'bytes',
    ...common,
  }),
  cpus: gauge({
    name: 'signalbox_process_cpus',
    help: 'Processors that the process may use.',
    unit: null,
    ...common,
  }),
  databaseUp: gauge({
    name: 'signalbox_database_up',
    help: '1 while the database answers this process, 0 once three pings in a row failed.',
    unit: null,
    ...common,
  }),
  databasePing: gauge({
    name: 'signalbox_database_ping_seconds',
    help: 'How long the last ping of the database took, asked every five seconds over a connection of its own. Not there while it does not answer.',
    unit: 'seconds',
    ...common,
  }),
  redisUp: gauge({
    name: 'signalbox_redis_up',
    help: '1 when Redis answered the last ping, 0 when not. Not there without REDIS_URL.',
    unit: null,
    ...common,
  }),
  redisPing: gauge({
    name: 'signalbox_redis_ping_seconds',
    help: 'How long Redis took to accept a connection and answer a ping. Not there while it does not answer.',
    unit: 'seconds',
    ...common,
  }),
});

/** Writes them. */
export class VitalsMetrics {
  readonly #registry: MetricRegistry;

  constructor(registry: MetricRegistry) {
    this.#registry = registry;
    const { memoryBytes, cpus } = processLimits();
    registry.gauge(vitalsMetrics.memoryLimit).set({}, memoryBytes);
    registry.gauge(vitalsMetrics.cpus).set({}, cpus);
  }

  beat({ ms, away }: Beat): void {
    this.#registry.gauge(vitalsMetrics.databaseUp).set({}, Number(!away));
    this.#write(vitalsMetrics.databasePing, ms === null ? null : ms / 1_000);
  }

  vitals({ redisUp, redisPingMs }: Vitals): void {
    this.#write(vitalsMetrics.redisUp, redisUp === null ? null : Number(redisUp));
    this.#write(vitalsMetrics.redisPing, redisPingMs === null ? null : redisPingMs / 1_000);
  }

  #write(metric: (typeof vitalsMetrics)[keyof typeof vitalsMetrics], value: number | null): void {
    this.#registry.gauge(metric).replace(value === null ? [] : [[{}, value]]);
  }
}
