import { Database } from '../database/database.js';
import { Engine } from '../engine/engine.js';
import { silentLogger as logger } from '../foundation/logger.js';
import { createAlerting } from './alerting.js';
import { readConfig } from './config.js';
import { createMetrics, createWorkloads } from './modules.js';
import { createServer } from './server.js';

/** The OpenAPI document of this build, made from its routes. Nothing is connected to; `home` is an empty folder. */
export async function describeApi(home: string): Promise<object> {
  const config = readConfig({ SIGNALBOX_HOME: home });
  const database = new Database({
    url: 'postgres://nobody@127.0.0.1:1/nothing',
    applicationName: 'signalbox',
    connectTimeoutMs: 1,
    statementTimeoutMs: 1,
    poolSize: 1,
    logger,
  });
  const metrics = createMetrics(logger);
  const workloads = await createWorkloads({ config, database, logger, metrics: metrics.registry });
  const tasks = workloads.flatMap((workload) => workload.tasks);
  const engine = new Engine({ database, tasks, logger });
  const { alerts, objectives, notifications } = createAlerting({ config, database, logger });
  const app = await createServer({
    config,
    database,
    engine,
    alerts,
    objectives,
    notifications,
    workloads,
    metrics,
    logger,
  });
  try {
    await app.ready();
    return app.swagger();
  } finally {
    await app.close();
    await database.close();
  }
}
