import { z } from 'zod';
import { Alerts } from '../../alerts/alerts.js';
import { Notifications } from '../../alerts/notifications/notifications.js';
import { notificationsSection } from '../../alerts/notifications/settings.js';
import { Objectives } from '../../alerts/objectives/objectives.js';
import { objectivesSection } from '../../alerts/objectives/settings.js';
import { workRules } from '../../alerts/work/rules.js';
import { loadConfig } from '../../config/load.js';
import { createTestDatabase, type TestDatabase } from '../../database/testing/test-database.js';
import { Engine } from '../../engine/engine.js';
import { PermanentError } from '../../engine/failure.js';
import { type Task, task } from '../../engine/task.js';
import { gate } from '../../engine/testing/harness.js';
import type { Worker } from '../../engine/worker.js';
import { defineErrors } from '../../foundation/errors.js';
import { silentLogger } from '../../foundation/logger.js';
import type { HealthCheck } from '../../health/check.js';
import { createMonitor } from '../../health/monitor.js';
import { createHttpApp, type HttpApp } from '../../http/app.js';
import type { Authenticator } from '../../identity/authenticator.js';
import { createPrincipal } from '../../identity/principal.js';
import { permissionsOf, platformPermissions, roles } from '../../identity/roles.js';
import { Metrics } from '../../telemetry/metrics/metrics.js';
import type { Workload } from '../../workloads/manifest.js';
import { registerApi } from '../register.js';

const toyErrors = defineErrors({
  toy_taken: { status: 409, retryable: false, title: 'The name is taken.' },
});

/** A server with a real database and engine, and one small workload. */
export interface ToyServer {
  readonly app: HttpApp;
  readonly engine: Engine;
  readonly db: TestDatabase;
  /** Started on demand: many tests want none. */
  startWorker(): Promise<Worker>;
  /** Lets the handlers of `toy.held` go on. */
  release(): void;
  schema: 'current' | 'outdated' | 'unreachable';
  stop(): Promise<void>;
}

export interface ToyServerOptions {
  /** Beside those of the platform: database, workers, queues. */
  readonly checks?: readonly HealthCheck[];
  readonly redisUrl?: string;
  /** Settings of the channels. */
  readonly env?: Readonly<Record<string, string>>;
}

/** A caller is whoever `X-API-Key` says, with the role before the colon: `member:ann`. */
const byName: Authenticator = {
  anonymousAllowed: false,
  async authenticate({ apiKey = 'admin:root' }) {
    const role = roles.find((one) => apiKey.startsWith(`${one}:`)) ?? 'viewer';
    return createPrincipal(apiKey, apiKey, permissionsOf(role, [...platformPermissions, 'toys:write']));
  },
};

export const as = (name: string) => ({ 'x-api-key': name });

export async function createToyServer(options: ToyServerOptions = {}): Promise<ToyServer> {
  const db = await createTestDatabase();
  await db.database.query(
    'create table toy (job_id uuid primary key, name text not null unique, owner text not null)',
  );
  const held = gate();
  const workload = toyWorkload(db, held.passed);
  const engine = new Engine({
    database: db.database,
    tasks: workload.tasks,
    logger: silentLogger,
    housekeepingMs: 50,
  });
  await engine.start();
  const app = await createHttpApp({
    logger: silentLogger,
    authenticator: byName,
    version: '0.0.0',
    checkAnswers: true,
  });
  const workers: Worker[] = [];
  const toy: ToyServer = {
    app,
    engine,
    db,
    schema: 'current',
    release: held.open,
    async startWorker() {
      const worker = engine.createWorker({
        queues: null,
        concurrency: 4,
        leaseMs: 5_000,
        drainTimeoutMs: 1_000,
      });
      await worker.start();
      workers.push(worker);
      return worker;
    },
    async stop() {
      held.open();
      await app.close();
      for (const worker of workers) await worker.stop();
      await engine.stop();
      await db.drop();
    },
  };
  const notifications = new Notifications({
    db: db.database,
    settings: loadConfig([notificationsSection], { env: options.env ?? {} }).get(notificationsSection),
    logger: silentLogger,
  });
  await registerApi(app, {
    engine,
    database: db.database,
    workloads: [workload],
    alerts: new Alerts(db.database, workRules, (id, by) => notifications.acknowledge(id, by)),
    notifications,
    objectives: new Objectives(
      db.database,
      loadConfig([objectivesSection], { env: {}, flags: {} }).get(objectivesSection),
    ),
    monitor: createMonitor({
      database: db.database,
      engine,
      redisUrl: options.redisUrl,
      checks: options.checks ?? [],
      logger: silentLogger,
    }),
    metrics: new Metrics({ version: '0.0.0', logger: silentLogger }),
    logger: silentLogger,
    schemaIsCurrent: async () => {
      if (toy.schema === 'unreachable') throw new Error('connect ECONNREFUSED 10.1.2.3');
      return toy.schema === 'current';
    },
  });
  return toy;
}

function toyWorkload(db: TestDatabase, held: Promise<void>): Workload {
  const input = z.strictObject({ name: z.string().min(1).max(20), colour: z.enum(['red', 'blue']) });
  const open: Task['open'] = {
    permission: 'toys:write',
    price: () => 1,
    async admit(tx, { id, input: given, caller }) {
      const { name } = given as z.output<typeof input>;
      const { rowCount } = await tx.query(
        'insert into toy (job_id, name, owner) values ($1, $2, $3) on conflict do nothing',
        [id, name, caller.id],
      );
      if (rowCount === 0)
        throw toyErrors.toy_taken(`${name} is taken.`, {
          fields: [{ field: 'input.name', message: 'is taken' }],
        });
    },
  };
  const tasks = [
    task({
      name: 'toy.make',
      input,
      queue: 'toys',
      open,
      async run(given, { progress, log }) {
        progress(0.5, 'halfway');
        log('info', 'making', { name: given.name });
        if (given.name === 'bad') throw new PermanentError('no such toy');
        return { made: given.name };
      },
    }),
    task({ name: 'toy.held', input: z.strictObject({}), run: async () => held }),
    task({ name: 'toy.elsewhere', queue: 'elsewhere', input: z.strictObject({}), run: async () => null }),
  ] as unknown as Task[];
  return {
    name: 'toys',
    errors: toyErrors.$specs,
    tasks,
    permissions: ['toys:write'],
    checks: [],
    forms: [{ task: 'toy.make', schema: input, toInput: (fields) => fields }],
    routes: async () => {},
    async present(jobs) {
      const ids = jobs.map((job) => job.id);
      const { rows } = await db.database.query<{ job_id: string; name: string }>(
        'select job_id, name from toy where job_id = any($1)',
        [ids],
      );
      return new Map(rows.map((row) => [row.job_id, { toy_name: row.name, status: 'a lie' }]));
    },
  };
}
