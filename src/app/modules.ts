import type { Config } from '../config/load.js';
import type { Section } from '../config/section.js';
import type { Database } from '../database/database.js';
import { databaseSection } from '../database/settings.js';
import { engineMigrations } from '../engine/migrations.js';
import { engineSection } from '../engine/settings.js';
import type { Task } from '../engine/task.js';
import type { Logger } from '../foundation/logger.js';
import { apiKeySection } from '../identity/settings.js';
import { telemetrySection } from '../telemetry/settings.js';
import { images } from '../workloads/images/index.js';
import type { Workload, WorkloadModule } from '../workloads/manifest.js';
import { homeFolder } from './open-database.js';
import { appSection } from './settings.js';
import { loadTaskFolder } from './task-folder.js';

/** Every workload of this build: adding one is adding its line. */
const workloadModules: readonly WorkloadModule[] = [images];

export const sections: readonly Section[] = [
  appSection,
  apiKeySection,
  databaseSection,
  engineSection,
  telemetrySection,
  ...workloadModules.map((module) => module.section),
];

export const migrationFolders: readonly string[] = [
  engineMigrations,
  ...workloadModules.map((module) => module.migrations),
];

export interface ModuleDeps {
  readonly config: Config;
  readonly database: Database;
  readonly logger: Logger;
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
