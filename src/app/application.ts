import { Evaluator } from '../alerts/evaluator.js';
import { notifyQueue } from '../alerts/notifications/task.js';
import type { Config } from '../config/load.js';
import { assertSchemaFits, migrateUp } from '../database/migrations.js';
import { Engine } from '../engine/engine.js';
import { engineSection } from '../engine/settings.js';
import type { Worker } from '../engine/worker.js';
import { messageOf } from '../foundation/errors.js';
import type { Logger } from '../foundation/logger.js';
import type { Service } from '../foundation/service.js';
import { healthSection } from '../health/settings.js';
import { Historian } from '../history/historian.js';
import { RequestRecorder } from '../history/request-recorder.js';
import { assertExposureAllowed } from '../identity/exposure.js';
import { apiKeySection } from '../identity/settings.js';
import type { Metrics } from '../telemetry/metrics/metrics.js';
import { MetricsPort } from '../telemetry/metrics/port/metrics-port.js';
import { metricsPortSection } from '../telemetry/metrics/port/settings.js';
import { telemetrySection } from '../telemetry/settings.js';
import { tracingSection } from '../telemetry/tracing/settings.js';
import { spanPruner } from '../telemetry/tracing/store/pruner.js';
import { createAlerting } from './alerting.js';
import { allTasks, createMetrics, createWorkloads, migrationFolders } from './modules.js';
import { isProduction, openDatabase } from './open-database.js';
import { describeRoles, type Roles } from './roles.js';
import { createServer, listen, type ServerDeps } from './server.js';
import { appSection } from './settings.js';
import { createTracing, observersOf } from './tracing.js';
import { version } from './version.js';
import { ProcessVitals } from './vitals.js';

export interface ApplicationOptions {
  readonly config: Config;
  readonly logger: Logger;
  readonly roles: Roles;
}

/** A running process: everything that its roles need, started in order and stopped in reverse. */
export class Application implements Service {
  readonly name = 'application';
  readonly config: Config;
  readonly #logger: Logger;
  readonly #roles: Roles;
  /** What was started, newest last: each entry undoes one step. */
  readonly #undo: (() => Promise<void>)[] = [];
  #url: string | undefined;
  #metricsUrl: string | undefined;
  #worker: Worker | undefined;
  #vitals: ProcessVitals | undefined;

  constructor(options: ApplicationOptions) {
    this.config = options.config;
    this.#logger = options.logger;
    this.#roles = options.roles;
  }

  /** Where the server answers; `undefined` without that role. */
  get url(): string | undefined {
    return this.#url;
  }

  /**
   * @throws credentials_required, database_*, schema_*, migration_failed, address_unavailable; nothing is
   * left running then
   */
  async start(): Promise<void> {
    try {
      await this.#start();
    } catch (error) {
      await this.stop();
      throw error;
    }
  }

  async stop(): Promise<void> {
    this.#vitals?.announceStop();
    for (let undo = this.#undo.pop(); undo !== undefined; undo = this.#undo.pop()) {
      try {
        await undo();
      } catch (error) {
        // One part that cannot stop must not keep the others running.
        this.#logger.error({ error: messageOf(error) }, 'a part did not stop in order');
      }
    }
  }

  async #start(): Promise<void> {
    const { config } = this;
    const logger = this.#logger;
    const { host, environment, migrateOnStart } = config.get(appSection);
    const { apiKey } = config.get(apiKeySection);
    if (this.#roles.server) assertExposureAllowed({ host, apiKey, production: isProduction(environment) });

    const open = await openDatabase({ config, logger, applicationName: `signalbox ${version}` });
    this.#undo.push(() => open.close());
    const { database } = open;
    if (migrateOnStart) {
      await migrateUp({ connection: database.directOptions, folders: migrationFolders, logger });
    }
    await assertSchemaFits(database, migrationFolders);

    const metrics = createMetrics(logger);
    this.#undo.push(() => metrics.stop());
    const workloads = await createWorkloads({ config, database, logger, metrics: metrics.registry });
    const { sources, alerts, objectives, notifications, outage } = createAlerting({
      config,
      database,
      logger,
    });
    // Without a channel there is nothing to send, and no queue for it that could be without a worker.
    const tasks = [
      ...(await allTasks(config, workloads)),
      ...(notifications.channels.length === 0 ? [] : [notifications.task]),
    ];
    const { keepSucceededMs, keepFailedMs, keepCancelledMs, canary, canaryMs } = config.get(engineSection);
    const keep = { succeededMs: keepSucceededMs, failedMs: keepFailedMs, cancelledMs: keepCancelledMs };
    const { logRateJob: handlerLogRate } = config.get(telemetrySection);
    const canaries = canary ? canaryMs : null;
    const tracing = createTracing({ config, database, metrics, logger });
    if (tracing !== undefined) {
      this.#undo.push(() => tracing.stop());
      await tracing.start();
    }
    const engine = new Engine({
      database,
      tasks,
      logger,
      keep,
      ...observersOf(metrics, tracing),
      handlerLogRate,
      canaryMs: canaries,
    });
    this.#undo.push(() => engine.stop());
    await engine.start();
    metrics.attach({ engine, database });
    await this.#startMetricsPort(metrics);
    const vitals = new ProcessVitals({
      database,
      metrics,
      roles: this.#roles,
      redisUrl: config.get(healthSection).redisUrl,
      outage: this.#roles.server ? outage : undefined,
      logger,
    });
    this.#undo.push(() => vitals.stop());
    this.#vitals = vitals;
    await vitals.start();
    if (this.#roles.worker) await this.#startWorker(engine);
    const courier = notifications.courier(engine);
    this.#undo.push(() => courier.stop());
    await courier.start();
    const historian = new Historian({ db: database, logger });
    this.#undo.push(() => historian.stop());
    await historian.start();
    // Whether it traces or not: another process of the same database may.
    const pruner = spanPruner({ db: database, logger, keepMs: config.get(tracingSection).keepMs });
    this.#undo.push(() => pruner.stop());
    await pruner.start();
    const evaluator = new Evaluator({
      db: database,
      logger,
      sources,
      record: (tx, edges, at) => notifications.record(tx, edges, at),
      onEvaluated: ({ edges }) => {
        if (edges.length > 0) courier.wake();
        void notifications.watchdog.ping();
      },
    });
    this.#undo.push(() => evaluator.stop());
    await evaluator.start();
    const deps = { config, database, engine, alerts, objectives, notifications, workloads, metrics, logger };
    if (this.#roles.server) await this.#startServer({ ...deps, tracing });
    await this.#announce(engine);
  }

  /** In both roles: a process that is only a worker answers no other HTTP. */
  async #startMetricsPort(metrics: Metrics): Promise<void> {
    const { host, port, token } = this.config.get(metricsPortSection);
    if (port === undefined) return;
    const served = new MetricsPort({ metrics, host, port, token, logger: this.#logger });
    this.#undo.push(() => served.stop());
    await served.start();
    this.#metricsUrl = served.url;
  }

  async #startWorker(engine: Engine): Promise<void> {
    const { queues, concurrency, leaseMs, drainTimeoutMs } = this.config.get(engineSection);
    const worker = engine.createWorker({
      queues: queues.length === 0 ? null : queues,
      concurrency,
      leaseMs,
      drainTimeoutMs,
    });
    this.#undo.push(() => worker.stop());
    await worker.start();
    this.#worker = worker;
  }

  async #startServer(deps: ServerDeps): Promise<void> {
    const { host, port } = this.config.get(appSection);
    const app = await createServer(deps);
    const { minutes } = app.requestStatistics;
    const recorder = new RequestRecorder({ db: deps.database, logger: deps.logger, minutes });
    this.#undo.push(() => recorder.stop());
    await recorder.start();
    this.#vitals?.watch(app.requestStatistics);
    this.#undo.push(() => app.close());
    this.#url = await listen(app, host, port);
  }

  /** One line that says what this process is, and a warning for work that nobody would do. */
  async #announce(engine: Engine): Promise<void> {
    const { queues } = this.config.get(engineSection);
    const worker = this.#worker;
    this.#logger.info(
      {
        roles: describeRoles(this.#roles),
        ...(this.#url === undefined ? {} : { url: this.#url }),
        ...(this.#metricsUrl === undefined ? {} : { metrics: this.#metricsUrl }),
        ...(worker === undefined
          ? {}
          : {
              queues: queues.length === 0 ? `all (${engine.tasks.queues().join(', ')})` : queues.join(', '),
              tasks: engine.tasks
                .list()
                .map((task) => task.name)
                .join(', '),
              worker: worker.id,
            }),
        version,
      },
      `signalbox runs as ${describeRoles(this.#roles)}`,
    );
    for (const { message, remedy } of await engine.findings()) {
      this.#logger.warn({ remedy }, `${message} What to do: ${remedy}`);
    }
    if (this.#roles.worker) return;
    const idle = await queuesWithoutWorker(engine);
    if (idle.length > 0) {
      this.#logger.warn(
        { queues: idle },
        `no live worker serves ${idle.join(', ')}: jobs are accepted but not run until one is started with: signalbox start --worker`,
      );
    }
  }
}

/** Notifications are left out: this process sends them itself when no worker does. */
async function queuesWithoutWorker(engine: Engine): Promise<string[]> {
  const workers = (await engine.workers()).filter((worker) => worker.live && worker.status === 'running');
  return engine.tasks
    .queues()
    .filter((queue) => queue !== notifyQueue)
    .filter((queue) => !workers.some((worker) => worker.queues?.includes(queue) ?? true));
}
