import { deliveryRules } from '../alerts/deliveries/rules.js';
import { deliveryAlerts } from '../alerts/deliveries/source.js';
import { alertErrors } from '../alerts/errors.js';
import { alertMigrations } from '../alerts/migrations.js';
import { notificationErrors } from '../alerts/notifications/errors.js';
import type { Notifications } from '../alerts/notifications/notifications.js';
import { notificationsSection } from '../alerts/notifications/settings.js';
import type { Objectives } from '../alerts/objectives/objectives.js';
import { objectiveRules } from '../alerts/objectives/rules.js';
import { objectivesSection } from '../alerts/objectives/settings.js';
import { objectiveAlerts } from '../alerts/objectives/source.js';
import { databaseDown } from '../alerts/outage/rule.js';
import type { RuleTraits } from '../alerts/rule.js';
import type { AlertSource } from '../alerts/source.js';
import { trafficRules } from '../alerts/traffic/rules.js';
import { trafficAlerts } from '../alerts/traffic/source.js';
import { vitalsRules } from '../alerts/vitals/rules.js';
import { vitalsAlerts } from '../alerts/vitals/source.js';
import { workRules } from '../alerts/work/rules.js';
import { workAlerts } from '../alerts/work/source.js';
import { apiErrors } from '../api/errors.js';
import { configErrors } from '../config/errors.js';
import type { Config } from '../config/load.js';
import type { Section } from '../config/section.js';
import { consoleErrors } from '../console/errors.js';
import type { Database } from '../database/database.js';
import { embeddedErrors } from '../database/embedded/errors.js';
import { databaseErrors } from '../database/errors.js';
import { databaseSection } from '../database/settings.js';
import { engineErrors } from '../engine/errors.js';
import { engineMigrations } from '../engine/migrations.js';
import { engineSection } from '../engine/settings.js';
import type { Task } from '../engine/task.js';
import type { ErrorSpec } from '../foundation/errors.js';
import type { Logger } from '../foundation/logger.js';
import { healthSection } from '../health/settings.js';
import { vitalsMetrics } from '../health/vitals/metrics.js';
import { vitalsMigrations } from '../health/vitals/migrations.js';
import { historyMigrations } from '../history/migrations.js';
import { httpErrors } from '../http/errors.js';
import { httpMetrics } from '../http/metrics.js';
import { identityErrors } from '../identity/errors.js';
import { apiKeySection } from '../identity/settings.js';
import { storageErrors } from '../storage/errors.js';
import { telemetryErrors } from '../telemetry/errors.js';
import type { MetricDeclaration } from '../telemetry/metrics/declaration.js';
import { Metrics, ownMetrics } from '../telemetry/metrics/metrics.js';
import { portMetrics } from '../telemetry/metrics/port/declarations.js';
import { metricsPortSection } from '../telemetry/metrics/port/settings.js';
import type { MetricRegistry } from '../telemetry/metrics/registry.js';
import { telemetrySection } from '../telemetry/settings.js';
import { expectSpans, spanMetrics } from '../telemetry/tracing/declarations.js';
import { spanMigrations } from '../telemetry/tracing/migrations.js';
import { tracingSection } from '../telemetry/tracing/settings.js';
import { images } from '../workloads/images/index.js';
import type { Workload, WorkloadModule } from '../workloads/manifest.js';
import { appErrors } from './errors.js';
import { homeFolder } from './open-database.js';
import { appSection } from './settings.js';
import { loadTaskFolder } from './task-folder.js';
import { version } from './version.js';

/** Every workload of this build: adding one is adding its line. */
const workloadModules: readonly WorkloadModule[] = [images];

export const sections: readonly Section[] = [
  appSection,
  apiKeySection,
  databaseSection,
  engineSection,
  healthSection,
  telemetrySection,
  tracingSection,
  notificationsSection,
  metricsPortSection,
  objectivesSection,
  ...workloadModules.map((module) => module.section),
];

export const migrationFolders: readonly string[] = [
  engineMigrations,
  alertMigrations,
  historyMigrations,
  vitalsMigrations,
  spanMigrations,
  ...workloadModules.map((module) => module.migrations),
];

/** Every alert rule of this build. */
export const alertRules: readonly RuleTraits[] = [
  ...workRules,
  ...trafficRules,
  ...vitalsRules,
  ...deliveryRules,
  ...objectiveRules,
  databaseDown,
];

/** Everything that the evaluator judges alerts by. */
export function alertSources(
  database: Database,
  objectives: Objectives,
  notifications: Notifications,
): AlertSource[] {
  return [
    workAlerts(database),
    trafficAlerts(database),
    vitalsAlerts(database),
    deliveryAlerts(notifications),
    objectiveAlerts(objectives),
  ];
}

/** Every error code that this build can raise. A code stands in one catalogue only. */
export const errorSpecs: Readonly<Record<string, ErrorSpec>> = merge([
  alertErrors.$specs,
  apiErrors.$specs,
  appErrors.$specs,
  configErrors.$specs,
  consoleErrors.$specs,
  databaseErrors.$specs,
  embeddedErrors.$specs,
  engineErrors.$specs,
  httpErrors.$specs,
  identityErrors.$specs,
  notificationErrors.$specs,
  storageErrors.$specs,
  telemetryErrors.$specs,
  ...workloadModules.map((module) => module.errors),
]);

/** Metrics that the modules above telemetry write. */
const writtenAbove: readonly MetricDeclaration[] = [
  ...Object.values(httpMetrics),
  ...Object.values(vitalsMetrics),
  ...Object.values(spanMetrics),
  ...workloadModules.flatMap((module) => module.metrics),
];

/** Every metric that this build writes, but for those of Node and the process. */
export const metricDeclarations: readonly MetricDeclaration[] = Object.freeze([
  ...ownMetrics,
  ...Object.values(portMetrics),
  ...writtenAbove,
]);

export function createMetrics(logger: Logger): Metrics {
  const metrics = new Metrics({ version, logger, declarations: writtenAbove });
  expectSpans(metrics.registry);
  return metrics;
}

function merge(
  catalogues: readonly Readonly<Record<string, ErrorSpec>>[],
): Readonly<Record<string, ErrorSpec>> {
  const all: Record<string, ErrorSpec> = {};
  for (const [code, spec] of catalogues.flatMap((catalogue) => Object.entries(catalogue))) {
    if (code in all) throw new TypeError(`Error code ${code} is declared twice.`);
    all[code] = spec;
  }
  return Object.freeze(all);
}

export interface ModuleDeps {
  readonly config: Config;
  readonly database: Database;
  readonly logger: Logger;
  readonly metrics: MetricRegistry;
}

export async function createWorkloads(deps: ModuleDeps): Promise<Workload[]> {
  const home = await homeFolder(deps.config);
  return Promise.all(workloadModules.map((module) => module.create({ ...deps, home })));
}

/** The tasks of the workloads and those of the user's folder. */
export async function allTasks(config: Config, workloads: readonly Workload[]): Promise<Task[]> {
  const { tasks: folder } = config.get(appSection);
  const own = folder === undefined ? [] : await loadTaskFolder(folder);
  return [...workloads.flatMap((workload) => workload.tasks), ...own];
}
