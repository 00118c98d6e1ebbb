import { type Alerting, type AlertingDeps, createAlerting } from '../app/alerting.js';
import { readConfig } from '../app/config.js';
import { allTasks, createMetrics, createWorkloads, migrationFolders } from '../app/modules.js';
import { openDatabase } from '../app/open-database.js';
import type { Config } from '../config/load.js';
import type { Database } from '../database/database.js';
import { assertSchemaFits } from '../database/migrations.js';
import { Engine } from '../engine/engine.js';
import type { Logger } from '../foundation/logger.js';
import { createLogger } from '../telemetry/logger.js';

/** Commands answer on standard output, so their log goes to standard error, and only what matters. */
export function commandLogger(level: 'warn' | 'info' = 'warn'): Logger {
  return createLogger({ level, pretty: process.stderr.isTTY === true, destination: process.stderr });
}

export interface CommandContext {
  readonly config: Config;
  readonly database: Database;
  readonly engine: Engine;
}

/** Runs `work` with a database that answers and has the right schema, and closes everything afterwards. */
export async function withEngine<T>(work: (context: CommandContext) => Promise<T>): Promise<T> {
  return withDatabase(async ({ config, database, logger }) => {
    const { registry: metrics } = createMetrics(logger);
    const workloads = await createWorkloads({ config, database, logger, metrics });
    const tasks = await allTasks(config, workloads);
    const engine = new Engine({ database, tasks, logger });
    return work({ config, database, engine });
  });
}

/** The same with what fires and who is told; it loads no tasks. */
export async function withAlerting<T>(work: (context: Alerting) => Promise<T>): Promise<T> {
  return withDatabase(async (deps) => work(createAlerting(deps)));
}

async function withDatabase<T>(work: (deps: AlertingDeps) => Promise<T>): Promise<T> {
  const config = readConfig(process.env);
  const logger = commandLogger();
  const open = await openDatabase({ config, logger, applicationName: 'signalbox-cli' });
  try {
    await assertSchemaFits(open.database, migrationFolders);
    return await work({ config, database: open.database, logger });
  } finally {
    await open.close();
  }
}
