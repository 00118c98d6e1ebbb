import type { Alerts } from '../alerts/alerts.js';
import type { Notifications } from '../alerts/notifications/notifications.js';
import type { Objectives } from '../alerts/objectives/objectives.js';
import type { Database } from '../database/database.js';
import type { Engine } from '../engine/engine.js';
import type { Logger } from '../foundation/logger.js';
import type { Monitor } from '../health/monitor.js';
import type { Metrics } from '../telemetry/metrics/metrics.js';
import type { Workload } from '../workloads/manifest.js';

/** What the platform's routes stand on. */
export interface ApiDeps {
  readonly engine: Engine;
  readonly database: Database;
  readonly workloads: readonly Workload[];
  readonly monitor: Monitor;
  readonly alerts: Alerts;
  readonly metrics: Pick<Metrics, 'scrape'>;
  readonly objectives: Objectives;
  readonly notifications: Notifications;
  readonly logger: Logger;
  /**
   * Whether this process can work with the database's schema. May reject when the database does not answer;
   * both mean that the process is not ready.
   */
  schemaIsCurrent(): Promise<boolean>;
}
