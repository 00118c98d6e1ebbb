import { hostname } from 'node:os';
import type { Config } from '../config/load.js';
import type { Database } from '../database/database.js';
import type { EngineOptions } from '../engine/engine.js';
import { newId } from '../foundation/ids.js';
import type { Logger } from '../foundation/logger.js';
import type { Metrics } from '../telemetry/metrics/metrics.js';
import { telemetrySection } from '../telemetry/settings.js';
import { tracingSection } from '../telemetry/tracing/settings.js';
import { collectorOf } from '../telemetry/tracing/target.js';
import { Tracing } from '../telemetry/tracing/tracing.js';
import { appSection } from './settings.js';
import { version } from './version.js';

/** What of an engine's options listens to it. */
export function observersOf(
  metrics: Metrics,
  tracing: Tracing | undefined,
): Pick<EngineOptions, 'hooks' | 'middleware' | 'traceParent'> {
  if (tracing === undefined) return { hooks: [metrics.hooks] };
  return {
    hooks: [metrics.hooks, tracing.hooks],
    middleware: [tracing.middleware],
    traceParent: () => tracing.traceParent(),
  };
}

/** The tracing of a process, if it is on. */
export function createTracing(deps: {
  readonly config: Config;
  readonly database: Database;
  readonly metrics: Metrics;
  readonly logger: Logger;
}): Tracing | undefined {
  const { config, database, metrics, logger } = deps;
  const { tracing, sampleRate, perSecond, serviceName, keepMs, ...settings } = config.get(tracingSection);
  const collector = collectorOf(settings);
  if (tracing === 'off' || (tracing === 'auto' && collector === undefined)) return undefined;
  const { lokiUrl } = config.get(telemetrySection);
  return new Tracing({
    rate: sampleRate,
    perSecond,
    collector,
    db: keepMs === 0 ? undefined : database,
    resource: {
      'service.name': serviceName,
      'service.version': version,
      'service.instance.id': newId(),
      'deployment.environment.name': config.get(appSection).environment,
      'host.name': hostname(),
      'process.pid': String(process.pid),
    },
    untraced: lokiUrl === undefined ? [] : [lokiUrl],
    registry: metrics.registry,
    logger,
  });
}
