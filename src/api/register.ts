import type { HttpApp } from '../http/app.js';
import { registerAlertRoutes } from './alerts/routes.js';
import type { ApiDeps } from './deps.js';
import { registerHealthRoutes } from './health/routes.js';
import { registerHistoryRoutes } from './history/routes.js';
import { registerJobRoutes } from './jobs/routes.js';
import { registerMetricsRoutes } from './metrics/routes.js';
import { registerMonitoringRoutes } from './monitoring/routes.js';
import { registerNotificationRoutes } from './notifications/routes.js';
import { registerOverviewRoutes } from './overview/routes.js';
import { registerSilenceRoutes } from './silences/routes.js';

/** The platform's routes, and those of every workload. Before `listen`. */
export async function registerApi(app: HttpApp, deps: ApiDeps): Promise<void> {
  registerHealthRoutes(app, deps);
  registerJobRoutes(app, deps);
  registerMonitoringRoutes(app, deps);
  registerOverviewRoutes(app, deps);
  registerAlertRoutes(app, deps);
  registerHistoryRoutes(app, deps);
  registerSilenceRoutes(app, deps);
  registerNotificationRoutes(app, deps);
  app.addHook('onReady', async () => deps.monitor.process.start());
  app.addHook('onClose', async () => deps.monitor.process.stop());
  registerMetricsRoutes(app, deps);
  for (const workload of deps.workloads) await workload.routes(app);
}
