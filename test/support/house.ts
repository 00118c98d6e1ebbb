import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { createAlerting } from '../../src/app/alerting.js';
import { readConfig } from '../../src/app/config.js';
import { allTasks, createMetrics, createWorkloads } from '../../src/app/modules.js';
import { createServer, listen } from '../../src/app/server.js';
import { createTracing, observersOf } from '../../src/app/tracing.js';
import { ProcessVitals } from '../../src/app/vitals.js';
import { type TemporaryHome, temporaryHome } from '../../src/database/testing/temporary-home.js';
import { createTestDatabase, type TestDatabase } from '../../src/database/testing/test-database.js';
import { Engine } from '../../src/engine/engine.js';
import type { Task } from '../../src/engine/task.js';
import type { Worker } from '../../src/engine/worker.js';
import { type Logger, silentLogger } from '../../src/foundation/logger.js';
import { healthSection } from '../../src/health/settings.js';
import type { HttpApp } from '../../src/http/app.js';
import type { Metrics } from '../../src/telemetry/metrics/metrics.js';
import type { Tracing } from '../../src/telemetry/tracing/tracing.js';

const tasksFolder = fileURLToPath(new URL('../tasks', import.meta.url));

/** The whole product in this process, on a database and a folder of its own, listening on loopback. */
export class House {
  readonly url: string;
  readonly app: HttpApp;
  readonly engine: Engine;
  readonly metrics: Metrics;
  readonly db: TestDatabase;
  readonly home: TemporaryHome;
  readonly tracing: Tracing | undefined;
  readonly #vitals: ProcessVitals;
  readonly #workers: Worker[] = [];

  private constructor(
    parts: Pick<House, 'url' | 'app' | 'engine' | 'metrics' | 'db' | 'home' | 'tracing'>,
    vitals: ProcessVitals,
  ) {
    this.#vitals = vitals;
    this.url = parts.url;
    this.app = parts.app;
    this.engine = parts.engine;
    this.metrics = parts.metrics;
    this.db = parts.db;
    this.home = parts.home;
    this.tracing = parts.tracing;
  }

  /** `more`: tasks beside those of the workloads and the folder. */
  static async open(
    env: Record<string, string> = {},
    logger: Logger = silentLogger,
    more: readonly Task[] = [],
  ): Promise<House> {
    const db = await createTestDatabase();
    const home = await temporaryHome();
    const config = readConfig({ SIGNALBOX_HOME: home.path, SIGNALBOX_TASKS: tasksFolder, ...env });
    const { database } = db;
    const metrics = createMetrics(logger);
    const workloads = await createWorkloads({ config, database, logger, metrics: metrics.registry });
    const tasks = [...(await allTasks(config, workloads)), ...more];
    const tracing = createTracing({ config, database, metrics, logger });
    await tracing?.start();
    const engine = new Engine({
      database,
      tasks,
      logger,
      housekeepingMs: 100,
      ...observersOf(metrics, tracing),
    });
    await engine.start();
    const { alerts, objectives, notifications } = createAlerting({ config, database, logger });
    metrics.attach({ engine, database });
    const { redisUrl } = config.get(healthSection);
    const roles = { server: true, worker: true };
    const vitals = new ProcessVitals({ database, metrics, roles, redisUrl, outage: undefined, logger });
    await vitals.start();
    const app = await createServer({
      config,
      database,
      engine,
      alerts,
      objectives,
      notifications,
      workloads,
      metrics,
      tracing,
      logger,
    });
    const url = await listen(app, '127.0.0.1', 0);
    return new House({ url, app, engine, metrics, db, home, tracing }, vitals);
  }

  async startWorker(): Promise<Worker> {
    const worker = this.engine.createWorker({
      queues: null,
      concurrency: 2,
      leaseMs: 10_000,
      drainTimeoutMs: 10_000,
      pollMs: 200,
    });
    this.#workers.push(worker);
    await worker.start();
    return worker;
  }

  get uploads(): string {
    return join(this.home.path, 'uploads');
  }

  async close(): Promise<void> {
    for (const worker of this.#workers) await worker.stop();
    await this.app.close();
    await this.#vitals.stop();
    await this.engine.stop();
    await this.tracing?.stop();
    await this.metrics.stop();
    await this.db.drop();
    await this.home.remove();
  }
}
