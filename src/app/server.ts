import { fileURLToPath } from 'node:url';
import type { Alerts } from '../alerts/alerts.js';
import type { Notifications } from '../alerts/notifications/notifications.js';
import type { Objectives } from '../alerts/objectives/objectives.js';
import { registerApi } from '../api/register.js';
import type { Config } from '../config/load.js';
import { registerConsole } from '../console/console.js';
import type { Database } from '../database/database.js';
import { schemaFits } from '../database/migrations.js';
import type { Engine } from '../engine/engine.js';
import { messageOf } from '../foundation/errors.js';
import type { Logger } from '../foundation/logger.js';
import { createMonitor } from '../health/monitor.js';
import { healthSection } from '../health/settings.js';
import { createHttpApp, type HttpApp } from '../http/app.js';
import { createAuthenticator } from '../identity/authenticator.js';
import { apiKeySection } from '../identity/settings.js';
import type { Metrics } from '../telemetry/metrics/metrics.js';
import type { Tracing } from '../telemetry/tracing/tracing.js';
import type { Workload } from '../workloads/manifest.js';
import { appErrors } from './errors.js';
import { migrationFolders } from './modules.js';
import { version } from './version.js';

export interface ServerDeps {
  readonly config: Config;
  readonly database: Database;
  readonly engine: Engine;
  readonly alerts: Alerts;
  readonly objectives: Objectives;
  readonly notifications: Notifications;
  readonly workloads: readonly Workload[];
  readonly metrics: Metrics;
  readonly tracing?: Tracing | undefined;
  readonly logger: Logger;
}

const consoleFolder = fileURLToPath(new URL('../../dist/web', import.meta.url));

/** The HTTP application with every route of this build. It does not listen yet. */
export async function createServer(deps: ServerDeps): Promise<HttpApp> {
  const { config, database, engine, alerts, objectives, notifications, workloads, metrics, logger } = deps;
  const authenticator = createAuthenticator({
    apiKey: config.get(apiKeySection).apiKey,
    permissions: workloads.flatMap((workload) => workload.permissions),
  });
  const app = await createHttpApp({
    logger,
    authenticator,
    version,
    metrics: metrics.registry,
    tracing: deps.tracing,
  });
  const monitor = createMonitor({
    database,
    engine,
    redisUrl: config.get(healthSection).redisUrl,
    checks: workloads.flatMap((workload) => workload.checks),
    logger,
  });
  await registerApi(app, {
    engine,
    database,
    workloads,
    alerts,
    objectives,
    notifications,
    monitor,
    metrics,
    logger,
    schemaIsCurrent: () => schemaFits(database, migrationFolders),
  });
  await registerConsole(app, { root: consoleFolder });
  return app;
}

/** @returns the URL at which it answers. @throws address_unavailable */
export async function listen(app: HttpApp, host: string, port: number): Promise<string> {
  try {
    await app.listen({ host, port });
  } catch (error) {
    throw appErrors.address_unavailable(
      `Cannot listen on ${host}:${port}: ${messageOf(error)}. Set HOST and PORT to a free address.`,
      { cause: error },
    );
  }
  const address = app.server.address();
  const bound = typeof address === 'object' && address !== null ? address.port : port;
  return `http://${host.includes(':') ? `[${host}]` : host}:${bound}`;
}
